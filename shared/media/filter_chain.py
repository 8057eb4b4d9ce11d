"""A row of libav filters for pictures, built when the first frame shows what goes in."""

from fractions import Fraction

import av
from av.filter import Graph
from av.video.frame import VideoFrame

Step = tuple[str, str]
"""A filter's name and its arguments, e.g. ("transpose", "clock")."""


class FilterChain:
    """Passes frames through the steps; built anew when the size or format of what goes in changes."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.steps = steps
        self._graph: Graph | None = None
        self._takes: tuple[int, int, str] | None = None

    def __str__(self) -> str:
        return ",".join(f"{name}={arguments}" if arguments else name for name, arguments in self.steps)

    def push(self, frame: VideoFrame) -> list[VideoFrame]:
        """Return the frames that come out after one more went in."""
        if not self.steps:
            return [frame]
        kept: list[VideoFrame] = []
        takes = (frame.width, frame.height, frame.format.name)
        if self._graph is None or takes != self._takes:
            kept = self.finish()
            self._graph, self._takes = self._built(frame), takes
        self._graph.vpush(frame)
        return kept + self._pulled()

    def finish(self) -> list[VideoFrame]:
        """Return what is still inside; the chain can be used again afterwards."""
        if self._graph is None:
            return []
        self._graph.vpush(None)
        rest = self._pulled()
        self._graph = None
        return rest

    def _built(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        base = frame.time_base or Fraction(1, av.time_base)
        nodes = [graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=base)]
        nodes += [graph.add(name, arguments or None) for name, arguments in self.steps]
        nodes.append(graph.add("buffersink"))
        graph.link_nodes(*nodes)
        graph.configure()
        return graph

    def _pulled(self) -> list[VideoFrame]:
        assert self._graph is not None
        frames: list[VideoFrame] = []
        while True:
            try:
                frames.append(self._graph.vpull())
            except (av.BlockingIOError, av.EOFError):
                return frames
