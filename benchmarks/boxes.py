"""The boxes of `recdemo.ui.film_box`, and other components, without a browser: what they show, and what their script sends to the server."""

from __future__ import annotations

import json
from typing import Any

from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest


def film_box(app: AppTest, key: str) -> dict[str, Any]:
    """What a box shows."""
    shown: dict[str, Any] = json.loads(_box(app, key).json)
    return shown


def search_films(app: AppTest, key: str, typed: str, entered: str = "") -> dict[str, Any]:
    """Type into a box."""
    words = json.dumps({"typed": typed, "entered": entered})
    return film_box(_send(app, WidgetState(id=_box(app, key).id, json_value=words)), key)


def choose_film(app: AppTest, key: str, movie: int, event: str = "film") -> AppTest:
    """Choose a film in a box, or with ``gone`` take one away."""
    return tell(app, key, event, movie)


def tell(app: AppTest, key: str, event: str, value: object) -> AppTest:
    """Have the script of a box, or of another component, say something."""
    return _send(app, told(_box(app, key).id, value, event))


def told(box: str, movie: object, event: str = "film") -> WidgetState:
    """What the script sends then, from the box of this id."""
    value = json.dumps([{"event": event, "value": movie}])
    return WidgetState(id=_make_trigger_id(box, "events"), json_trigger_value=value)


def _send(app: AppTest, state: WidgetState) -> AppTest:
    states = app._tree.get_widget_states()
    states.widgets.append(state)
    return app._run(states)


def _box(app: AppTest, key: str) -> Any:
    boxes = [one.proto for one in app.get("bidi_component")]
    (box,) = [box for box in boxes if box.id.endswith(f"-{key}")]
    return box
