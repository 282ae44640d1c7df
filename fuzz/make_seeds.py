#!/usr/bin/env python3
"""Writes seed inputs for the fuzz targets from the vectors and examples of this repository.

    python3 fuzz/make_seeds.py FOLDER

One folder a target. `cargo xtask fuzz` runs on the committed corpus, which was made from these seeds and what fuzzing
added to them, minimised; this script only says where it began.
"""

import hashlib
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
VECTORS = ROOT / "docs" / "vectors"
FIXTURES = ROOT / "crates" / "capture" / "tests" / "fixtures"
MODELS = ROOT / "crates" / "model" / "tests" / "data" / "small"


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    for target, seeds in all_seeds().items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for seed in seeds:
            (folder / target / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


def all_seeds() -> dict[str, list[bytes]]:
    canonical = vectors("record/canonical.json")
    refused = vectors("record/refused.json")
    records = vectors("record/records.json")
    evidence = vectors("record/evidence.json")
    notes = vectors("tlog/notes.json")
    proofs = vectors("tlog/proof_files.json")
    tiles = vectors("tlog/tiles.json")
    given = canonical["objects"] + canonical["others"] + refused["documents"]
    documents = [case["input"] for case in given if "input" in case]
    documents = [document for document in documents if len(document) < 2048]
    drafts = [case["given"] for case in records["records"] + records["refused"]]
    examples = (ROOT / "examples/german-credit/records.ndjson").read_text().splitlines()
    checkpoints = [case["note"] for case in notes["checkpoints"]]
    choices = [bytes([mode, *range(3, 3 + length)]) for mode in range(4) for length in (0, 8, 40)]
    files = [json.dumps(case["file"], ensure_ascii=False) for case in evidence["verify"][:3] + evidence["do_not_verify"][:4]]
    head = json.dumps({"origin": "o", "keys": [], "size": 1, "root": "A" * 43 + "=", "note": ""})
    return {
        "canonical": texts(documents),
        "record_door": texts([draft for draft in drafts if len(draft) < 4096] + examples[1:4]),
        "note": led(0, [note for note in checkpoints + [notes["notes"][0]["note"]] if len(note) < 2000])
        + led(1, [notes["log"]["vkey"], notes["witness"]["vkey"]])
        + choices,
        "checkpoint": texts([case["text"] for case in notes["checkpoints"]] + ["o\n1\n" + "A" * 43 + "=\nextension\n"]),
        "policy": texts(POLICIES + [proofs["policy"]]),
        "tile_path": texts([case["path"] for case in tiles["paths"][:40]] + [str(path) for path in tiles["bad_paths"]]),
        "tile": choices + [bytes([0, 1, 0, 0, 2, 7, 7]), bytes([0, 1, 0]) + bytes(32)],
        "proof": choices,
        "tlog_proof": led(0, [case["file"] for case in proofs["proofs"] if len(case["file"]) < 3000]) + choices,
        "witness": led(0, ["\0\0old 0\n\n" + note for note in checkpoints if len(note) < 2000]) + choices,
        "evidence": led(0, files) + choices,
        "wal": choices,
        "index_run": choices,
        "ledger_json": led(0, ['{"format":1,"name":"main","origin":"o","created":"2026-01-02T03:04:05Z","keys":[]}']) + choices,
        "remembered_head": led(0, [head]) + choices,
        "import_csv": led(0, CSV) + led(1, CSV) + led(2, CSV) + led(3, CSV),
        "import_ndjson": led(0, ROWS) + led(1, ROWS),
        "import_json": led(0, ["[" + ",".join(ROWS[0].splitlines()) + "]", ROWS[0]]) + led(1, ['{"id":"1","raw":{"a":[1]}}']),
        "import_line": texts(LINES),
        "import_xlsx": parts_of_a_workbook(),
        "import_parquet": [(FIXTURES / "types.parquet").read_bytes()],
        "arrow": [(FIXTURES / "types.arrows").read_bytes()],
        "mapping": texts(MAPPINGS),
        "filter": texts(filters()),
        "model_xgboost_json": files_of(MODELS, "*.json"),
        "model_xgboost_ubj": files_of(MODELS, "*.ubj"),
        "model_lightgbm": files_of(MODELS, "*.txt"),
        "model_onnx": files_of(MODELS.with_name("onnx"), "*.onnx"),
    }


def files_of(folder: pathlib.Path, names: str) -> list[bytes]:
    """Whole files, but for what libraries said of the models."""
    return [path.read_bytes() for path in sorted(folder.glob(names)) if ".said." not in path.name]


def vectors(file: str):
    return json.loads((VECTORS / file).read_text(encoding="utf-8"))


def filters() -> list[str]:
    """The examples of the page, with a record behind some."""
    blocks = (ROOT / "docs/filter.md").read_text(encoding="utf-8").split("```filter\n")[1:]
    lines = [line for block in blocks for line in block.split("```")[0].splitlines()]
    record = '{"decision":"deny","input":{"age":30,"tags":["late",1e400]},"score":0.39,"subject":"Thin File","time":"2026-11-01T00:00:00Z"}'
    return lines + [f"{line}\n{record}" for line in lines]


def texts(seeds: list[str]) -> list[bytes]:
    return [seed.encode("utf-8", "surrogatepass") for seed in seeds]


def led(mode: int, seeds: list[str]) -> list[bytes]:
    return [bytes([mode]) + seed for seed in texts(seeds)]


def parts_of_a_workbook() -> list[bytes]:
    """The parts that the target puts into an archive, and an archive that another tool wrote."""
    sheet = (
        "<worksheet><dimension ref='A1:B3'/><sheetData><row r='1'><c r='A1' t='s'><v>0</v></c><c r='B1' t='s'><v>1</v></c></row>"
        "<row r='2'><c r='A2' s='1'><v>45444.5</v></c><c r='B2' t='b'><v>1</v></c></row><row r='3'><c r='A3' t='e'><v>#N/A</v>"
        "</c><c r='B3' t='inlineStr'><is><t>x</t></is></c></row><row r='4'><c t='str'><f>A1</f><v>y</v></c><c t='d'>"
        "<v>2024-06-01T12:00:00</v></c></row></sheetData><mergeCells><mergeCell ref='A1:B2'/></mergeCells></worksheet>"
    )
    strings = "<sst count='3' uniqueCount='3'><si><t>a</t></si><si><r><t>b</t></r><r><t xml:space='preserve'> c</t></r></si><si/></sst>"
    styles = (
        "<styleSheet><numFmts count='1'><numFmt numFmtId='164' formatCode='[h]:mm:ss'/></numFmts>"
        "<cellXfs count='2'><xf numFmtId='14'/><xf numFmtId='164'/></cellXfs></styleSheet>"
    )
    book = (
        "<workbook xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'><workbookPr date1904='1'/>"
        "<sheets><sheet name='A&amp;B' sheetId='1' r:id='r1' state='hidden'/></sheets><definedNames><definedName name='n'>A!$A$1"
        "</definedName></definedNames></workbook>"
    )
    rest = [(FIXTURES / "workbook.xlsx").read_bytes()]
    return [bytes([way]) + part.encode() for way, part in enumerate([sheet, strings, styles, book])] + [b"\x06" + one for one in rest]


POLICIES = [
    "log $0\nquorum none\n",
    "log $0 https://log.example\nwitness a $1\nwitness b $2 https://w.example\ngroup both all a b\nquorum both\n",
    "# comment\nlog $0\nwitness a $1\nwitness b $2\ngroup g 1 a b\ngroup h any g\nquorum h\n",
]

CSV = [
    "a,b,d,s,o_1,j,x,y\n1,x,3,0.5,q,{\"k\":[1]},1,2\n2,\"y\"\"\n\",4,,NA,null,1e5,-0\n",
    "id;when;v\n1;2024-06-01 12:00:00;NA\n2;2024-06-01; x \n",
    "\ufeffm|e1|x\nmodel|0.1|7\n|NA|\n",
]

ROWS = ['{"id":"1","raw":{"age":30},"o":1.50,"s":0.5,"model":"m"}\n{"id":"2","x":[1,{"y":null}]}\n']

LINES = [
    "2024-06-01 12:00:00 - Input: {'age': 30, 'tags': ('a', None, True)}, Output: approved\n",
    "2024-06-01 12:00:00 - Input: {'n': 1_000, 'f': nan, 's': b'x', 'd': datetime.date(2024, 1, 1)}, Output: {'p': .5}\n",
    "2024-06-01T12:00:00Z - Input: \"it's\", Output: 'no'\n\nnot a line\n",
]

MAPPINGS = [
    "kind = 'decision'\n[columns]\nid = 'id'\ninput = ['*']\n[constants]\nmodel.name = 'm'\n",
    "kind = 'outcome'\n[read]\nformat = 'csv'\nskip = 0\nempty = 'null'\nmissing = ['NA']\n[columns]\nrefers_to = 'id'\n"
    "time = 'when'\noutcome = { paid = 'a' }\n[time]\nzone = 'UTC'\n[types]\ntext = ['a']\nnumber = ['b']\n",
    "[columns]\ndecision = 'a'\nscore = 'b'\nmodel = { name = 'id' }\nexclude = ['w*']\n[decision.values]\nx = 'deny'\n"
    "[constants]\nparameters.threshold = 0.5\ncontext.when = 1979-05-27\n[source]\nname = 's'\n",
]

if __name__ == "__main__":
    main()
