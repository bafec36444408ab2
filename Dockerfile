# The app, for a server of one's own or a Docker Space of Hugging Face (which calls port 7860 as user 1000).
#   docker build -t recdemo . && docker run -p 7860:7860 recdemo
FROM python:3.11-slim

WORKDIR /app
COPY requirements.txt .
COPY docker docker
RUN TORCH_INDEX=https://download.pytorch.org/whl/cpu docker/install

RUN useradd --create-home --uid 1000 visitor
COPY . .
USER visitor

# Each visitor is a thread: with few heaps, what one has let go of another uses.
ENV MALLOC_ARENA_MAX=2

EXPOSE 7860
HEALTHCHECK --start-period=60s CMD docker/healthy
CMD ["docker/start"]
