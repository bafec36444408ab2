"""One browser's side of a session, without a browser: it speaks Streamlit's own messages over the app's websocket."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pyarrow as pa
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.boxes import told

PATIENCE = 60.0  # seconds to wait for an answer
# A browser repeats a cookie of the server in each upload; these clients have none.
NO_COOKIE = {"STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false"}


class LoadError(Exception):
    """A visitor was not answered, or not with what is theirs."""


@asynccontextmanager
async def connected(url: str, page: str, cookie: str = "") -> AsyncIterator[Client]:
    """A session of its own, which ends with the block."""
    address = f"{url.replace('http', 'ws')}/_stcore/stream"
    headers = {"Cookie": cookie} if cookie else {}
    async with connect(
        address,
        max_size=None,
        subprotocols=["streamlit"],  # type: ignore[list-item]
        additional_headers=headers,
        ping_interval=None,  # a busy server answers late, and that is measured
    ) as socket:
        yield Client(socket, page, url)


class Client:
    """It sends clicks, and keeps what a page needs of what comes back."""

    def __init__(self, socket: ClientConnection, page: str, url: str = "") -> None:
        self._socket, self._page, self.url = socket, page, url
        self._messages: dict[str, ForwardMsg] = {}  # those the server may refer to again
        self._query, self._script = "", ""  # the script is known by what the server calls it
        self._session = ""
        self._choices: dict[str, list[str]] = {}  # what is chosen in rows of buttons, by id
        self._files: dict[str, WidgetState] = {}  # what was uploaded, by the id of the widget
        self.widgets: dict[str, str] = {}  # ids, which end in the widget's key, and fragments
        self.titles: tuple[str, ...] = ()
        self.alerts: list[str] = []  # errors that the page tells of in words

    @property
    def link(self) -> dict[str, str]:
        return dict(parse_qsl(self._query))

    async def open(self, link: Mapping[str, str], page: str | None = None) -> None:
        """The first run of a page."""
        self._page, self._query = self._page if page is None else page, urlencode(link)
        self._script, self._files = "", {}
        await self._run(BackMsg())

    def find(self, key: str) -> str:
        """The id of the widget with a key, or with the first one that begins so where it ends in a star.

        Raises:
            LoadError: there is none.
        """
        if key.endswith("*"):
            matching = [id for id in self.widgets if f"-{key[:-1]}" in id][:1]
        else:
            matching = [id for id in self.widgets if id.endswith(f"-{key}")]
        if len(matching) != 1:
            raise LoadError(f"the page has {len(matching)} widgets {key!r}")
        return matching[0]

    async def click(self, key: str, film: int | None = None) -> None:
        """Choose a film in a widget, or press it, and wait until the page has run."""
        id = self.find(key)
        chosen = told(id, film) if film is not None else WidgetState(id=id, trigger_value=True)
        await self._send(chosen, id)

    async def tell(self, key: str, **value: Any) -> None:
        """Give a widget a value, as in `WidgetState`."""
        await self._send(WidgetState(id=self.find(key), **value))

    async def upload(self, key: str, name: str, content: bytes) -> int:
        """Choose a file in an uploader; the status of the upload, after which the page has run where it was taken."""
        status, urls = await self.put(name, content)
        if status < 300:
            state = WidgetState(id=self.find(key))
            state.file_uploader_state_value.uploaded_file_info.add(
                file_id=urls.file_id, name=name, size=len(content), file_urls=urls
            )
            self._files[state.id] = state
            await self._send(state)
        return status

    async def put(self, name: str, content: bytes) -> tuple[int, FileURLs]:
        """Upload a file that no widget asks for."""
        message, asked = BackMsg(), uuid.uuid4().hex
        message.file_urls_request.request_id = asked
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self._session
        await self._socket.send(message.SerializeToString())
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = ForwardMsg.FromString(await self._socket.recv())
                self._take(answer)
                if answer.file_urls_response.response_id == asked:
                    urls = answer.file_urls_response.file_urls[0]
                    break
        address = self.url + urls.upload_url
        return await asyncio.to_thread(_put, address, name, content), urls

    async def _send(self, state: WidgetState, widget: str = "") -> None:
        """Tell the page a state, and of which widget it is, where it has an id of its own."""
        message = BackMsg()
        states = message.rerun_script.widget_states.widgets
        for id, chosen in self._choices.items():
            states.add(id=id).string_array_value.data.extend(chosen)
        states.extend(file for id, file in self._files.items() if id != state.id)
        states.append(state)
        message.rerun_script.fragment_id = self.widgets[widget or state.id]
        await self._run(message)

    async def _run(self, message: BackMsg) -> None:
        message.rerun_script.query_string = self._query
        if self._script:
            message.rerun_script.page_script_hash = self._script
        else:
            message.rerun_script.page_name = self._page
        message.rerun_script.context_info.url = f"http://localhost/{self._page}"
        self.titles, self.alerts = (), []
        if not message.rerun_script.fragment_id:
            self.widgets, self._choices = {}, {}
        await self._socket.send(message.SerializeToString())
        async with asyncio.timeout(PATIENCE):
            while not self._take(ForwardMsg.FromString(await self._socket.recv())):
                pass

    def _take(self, message: ForwardMsg) -> bool:
        """Read a message; whether it is the last one of a run."""
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            message = self._messages[message.ref_hash]
            kind = message.WhichOneof("type")
        elif message.hash:
            self._messages[message.hash] = message
        if kind == "script_finished":
            if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                raise LoadError("the page does not compile")
            return message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        if kind == "new_session":
            self._session = message.new_session.initialize.session_id
        elif kind == "navigation":
            self._script = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.HasField("new_element"):
            self._look(message.delta.new_element, message.delta.fragment_id)
        return False

    def _look(self, element: Element, fragment: str) -> None:
        kind = element.WhichOneof("type")
        inside = getattr(element, kind)
        if kind == "exception":
            raise LoadError(f"the page shows an error: {inside.type} {inside.message}")
        if kind == "alert" and inside.format == 1:
            self.alerts.append(inside.body)
        if getattr(inside, "id", ""):
            self.widgets[inside.id] = fragment
        if kind == "button_group":
            texts = [option.content for option in inside.options]
            chosen = inside.raw_values if inside.set_value else [texts[i] for i in inside.default]
            self._choices[inside.id] = list(chosen)
        if kind == "bidi_component" and '"lists"' in inside.json:  # cards
            self.titles = tuple(
                film["title"] for film in json.loads(inside.json)["lists"][0]["films"]
            )
        if kind == "dataframe" and not self.titles:
            table = pa.ipc.open_stream(inside.arrow_data.data).read_all()
            if "title" in table.column_names:
                self.titles = tuple(table.column("title").to_pylist())


def _put(address: str, name: str, content: bytes) -> int:
    border = uuid.uuid4().hex
    body = (
        f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    request = urllib.request.Request(
        address,
        body + content + f"\r\n--{border}--\r\n".encode(),
        {"Content-Type": f"multipart/form-data; boundary={border}"},
        method="PUT",
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
