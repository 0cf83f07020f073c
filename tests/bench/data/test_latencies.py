"""The measurements that the project carries are whole: shapes, units, and facts known of them."""

import numpy as np

from bench.data.latencies import planetlab, seattle, wondernetwork


def test_wondernetwork_is_whole() -> None:
    """242 cities, directed, 1.3 percent missing; no ping is faster than light in glass."""
    data = wondernetwork()
    assert data.avg_ms.shape == (242, 242)
    assert len(set(data.cities)) == 242
    missing = np.isnan(data.avg_ms)
    assert 0.012 < missing.mean() < 0.014
    apart = ~missing & (data.km > 1000)
    assert np.median(data.avg_ms[apart] / (2 * data.km[apart] / 200)) > 1


def test_planetlab_is_whole() -> None:
    """18 slices of 490 nodes, symmetric, nothing missing."""
    rtt_ms = planetlab()
    assert rtt_ms.shape == (18, 490, 490)
    assert np.array_equal(rtt_ms, rtt_ms.transpose(0, 2, 1))
    assert not np.diagonal(rtt_ms, axis1=1, axis2=2).any()
    assert 130 < np.median(rtt_ms) < 140
    assert rtt_ms[0, 0, 3] == np.float32(121.42)


def test_seattle_is_whole() -> None:
    """688 slices of 99 devices, in steps of 10 ms, 0.6 percent of the pairs missing."""
    rtt_ms = seattle()
    assert rtt_ms.shape == (688, 99, 99)
    assert not (rtt_ms % 10).any()
    apart = ~np.eye(99, dtype=bool)
    assert 0.005 < (rtt_ms[:, apart] == 0).mean() < 0.007
    assert rtt_ms.max() == 90_500
