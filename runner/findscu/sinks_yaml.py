"""The sinks of a job file, from those of the model."""

from __future__ import annotations

from collections.abc import Sequence

from runner.findscu.yaml_text import Items, Scalar, YamlValue, flow_map
from runner.model import RspSink, SinkDeclaration, StdoutFormat, StdoutSink, XmlSink


def sinks_block(sinks: Sequence[SinkDeclaration]) -> YamlValue:
    """Write where responses go."""
    if not sinks:
        return Scalar("[]  # responses are counted only")
    return Items([_sink(sink) for sink in sinks])


def _sink(sink: SinkDeclaration) -> Scalar:
    pairs: list[tuple[str, str | Scalar]] = []
    comment = ""
    match sink:
        case StdoutSink():
            pairs = [("type", "stdout"), ("format", sink.format.value)]
            if sink.format in (StdoutFormat.FINDSCU, StdoutFormat.FINDSCU_LOG):
                comment = "  # findscu's layout, bytes as they came; dump is decoded to UTF-8"
        case RspSink():
            pairs = [("type", "rsp"), ("directory", sink.directory)]
            if sink.disable_new_vr:
                pairs.append(("disable_new_vr", Scalar("true")))
            pairs += _common(sink)
        case XmlSink():
            pairs = [("type", "xml")]
            pairs.append(("path", sink.path) if sink.path else ("directory", sink.directory))
            pairs += _common(sink)
    return Scalar(flow_map(pairs).text + comment)


def _common(sink: RspSink | XmlSink) -> list[tuple[str, str | Scalar]]:
    pairs: list[tuple[str, str | Scalar]] = []
    if sink.limit is not None:
        pairs.append(("limit", Scalar(str(sink.limit))))
    if sink.keep_after_failure:
        pairs.append(("keep_after_failure", Scalar("true")))
    return pairs
