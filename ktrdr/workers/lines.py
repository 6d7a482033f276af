"""What goes through the pipes between a job process and its parent: lines."""

# From the parent: write a checkpoint, report that the job stopped, and end.
STOP_COMMAND = b'{"command": "stop"}'
# What a pipe holds, on most systems.
CHUNK_BYTES = 65_536


class LineBuffer:
    """Puts chunks together to lines, of whatever length."""

    def __init__(self) -> None:
        self._begun = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that ``chunk`` ends, without their ends."""
        *ends, rest = chunk.split(b"\n")
        lines = []
        for end in ends:
            lines.append(bytes(self._begun + end))
            self._begun.clear()
        self._begun += rest
        return lines
