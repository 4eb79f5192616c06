"""The page: complete in itself, and no text can break out of it."""

from __future__ import annotations

from html.parser import HTMLParser

from hagan.evaluation.report import Report


class Collector(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_holds_everything_escaped_and_loads_nothing() -> None:
    report = Report("A <script>alert(1)</script> title", "lead")
    report.heading("Numbers & more")
    report.paragraph("plain")
    report.note("careful")
    report.code("hagan demo")
    report.table(("name", "value"), [("<b>x</b>", 0.123456), ("y", "n/a")])
    report.picture(b"\x89PNG", 'a "caption"')
    page = Collector()
    page.feed(report.html())
    assert "script" not in {tag for tag, _ in page.tags}
    for text in ("A <script>", "Numbers & more", "careful", "hagan demo", "0.123", "<b>x</b>"):
        assert text in page.text
    sources = [attrs["src"] or "" for _, attrs in page.tags if "src" in attrs]
    assert len(sources) == 1
    assert sources[0].startswith("data:image/png;base64,")
    assert not any("href" in attrs for _, attrs in page.tags)
