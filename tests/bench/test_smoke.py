"""Each measurement still runs: tiny, with all its contestants, and numbers that mean nothing."""

from pathlib import Path

import pytest

from bench import catalogue
from bench.__main__ import main
from bench.form import from_json
from tests.kit.benching import need_programs

pytestmark = pytest.mark.system

_CONTESTANTS = {
    "hit": {"midmile", "nginx", "varnish", "trafficserver"},
    "miss": {"midmile", "nginx", "nginx-plain"},
    "idle": {"midmile", "nginx", "varnish", "trafficserver"},
    "slow": {"midmile", "nginx", "varnish", "trafficserver"},
    "page": {"midmile", "nginx", "nginx-h2", "direct", "direct-h2"},
    "api": {"midmile", "nginx", "nginx-h2", "nginx-nogzip", "direct", "direct-h2"},
    "fatfile": {"midmile", "nginx", "direct"},
    "hitratio": {"midmile", "lru", "s3-fifo", "sieve", "w-tinylfu", "belady"},
    "bytes": {
        *("midmile", "nginx", "nginx-nogzip"),
        *("identity", "gzip", "brotli", "zstd", "zstd-base"),
    },
    "dns": {"midmile", "gdnsd", "knot"},
    "purge": {"midmile"},
    "disk": {"midmile"},
}
_CASES = {
    "hit": "1KB/varied-heads",
    "miss": "8KB",
    "idle": "connections-50",
    "slow": "slow-head",
    "page": "product-second/regional",
    "api": "html-2KB/regional/50",
    "fatfile": "local/warm",
    "hitratio": "zipf-mix/1",
    "bytes": "base/product",
    "dns": "ecs-10000",
    "purge": "site",
    "disk": "objects-2000",
}


@pytest.mark.parametrize("name", catalogue.BUILT)
def test_a_measurement_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From starting its contestants to its result's three files."""
    found = catalogue.find(name)
    assert found is not None
    need_programs(*found.programs)
    monkeypatch.setenv("BENCH_SMOKE", "1")
    assert main([name, "--results", str(tmp_path)]) == 0, capsys.readouterr().err
    assert {file.name for file in tmp_path.iterdir()} == {
        f"{name}.{suffix}" for suffix in ("json", "txt", "png")
    }
    result = from_json((tmp_path / f"{name}.json").read_text())
    assert set(result.versions) >= set(found.programs)
    row = next(row for row in result.rows if row.case == _CASES[name])
    assert {contestant for contestant, value in row.values.items() if value is not None} == (
        _CONTESTANTS[name]
    )
