"""Each distribution is the one it says it is: Kolmogorov-Smirnov or chi-squared against SciPy, bounds, monotony."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtri

from sim2real.draws import Draws
from sim2real.draws.beta import beta_from_normal, beta_knots
from sim2real.draws.normal import normal_from_probability, normal_from_unit
from sim2real.draws.tables import compile_table, values_from_bits
from sim2real.spec.distributions import (
    NORMAL_REACH,
    Beta,
    Choice,
    Constant,
    Distribution,
    Empirical,
    LogUniform,
    Mixture,
    MultivariateNormal,
    Normal,
    TruncatedNormal,
    Uniform,
    UniformInt,
)

N = 200_000
CONTINUOUS = [
    (Uniform(-1.0, 3.0), stats.uniform(-1.0, 4.0)),
    (LogUniform(0.5, 8.0), stats.loguniform(0.5, 8.0)),
    (Normal(2.0, 0.3), stats.norm(2.0, 0.3)),
    (TruncatedNormal(1.0, 0.1, 0.8, 1.2), stats.truncnorm(-2.0, 2.0, 1.0, 0.1)),
    (TruncatedNormal(0.0, 1.0, 1.0, 4.0), stats.truncnorm(1.0, 4.0)),
    (TruncatedNormal(0.0, 1.0, -4.5, -4.0), stats.truncnorm(-4.5, -4.0)),
    (TruncatedNormal(0.0, 1.0, 4.0, 9.0), stats.truncnorm(4.0, 9.0)),
    (TruncatedNormal(0.0, 1.0, -9.0, 1.0), stats.truncnorm(-9.0, 1.0)),
    (Beta(2.0, 5.0, 0.8, 1.2), stats.beta(2.0, 5.0, 0.8, 0.4)),
    (Beta(0.5, 0.5), stats.beta(0.5, 0.5)),
    (Beta(0.1, 3.0), stats.beta(0.1, 3.0)),
    (Beta(1000.0, 800.0, -1.0, 1.0), stats.beta(1000.0, 800.0, -1.0, 2.0)),
    (MultivariateNormal([2.0], [[0.09]]), stats.norm(2.0, 0.3)),
]


@pytest.mark.parametrize(("dist", "reference"), CONTINUOUS, ids=lambda x: getattr(x, "kind", ""))
def test_kolmogorov_smirnov(dist: Distribution, reference: stats.rv_continuous) -> None:
    """The drawn numbers follow the distribution's CDF."""
    values = Draws(11).sample("ks", dist, np.arange(N))[:, 0].astype(np.float64)
    assert stats.kstest(values, reference.cdf).pvalue > 0.01


MIXTURE = Mixture([Uniform(0.4, 0.6), Normal(1.0, 0.05), Beta(2.0, 3.0, 0.5, 1.5), Constant(9.0)], [3.0, 1.0, 4.0, 0.0])


def test_mixture_follows_its_cdf() -> None:
    """A mixture's CDF is the weighted sum of its parts'; a part of weight zero never comes."""
    values = Draws(11).sample("mixture", MIXTURE, np.arange(N))[:, 0].astype(np.float64)

    def cdf(x: np.ndarray) -> np.ndarray:
        parts = (stats.uniform(0.4, 0.2), stats.norm(1.0, 0.05), stats.beta(2.0, 3.0, 0.5, 1.0))
        return sum(w * part.cdf(x) for w, part in zip((3.0, 1.0, 4.0), parts, strict=True)) / 8.0

    assert stats.kstest(values, cdf).pvalue > 0.01
    assert values.max() < 9.0


def test_mixture_chooses_once_for_all_components() -> None:
    """The components of a draw come from one part, and are independent within it; draws choose anew."""
    dist = Mixture([Uniform([0.0] * 3, [1.0] * 3), Uniform([10.0] * 3, [11.0] * 3)], [1.0, 3.0])
    values = Draws(3).sample("m", dist, np.arange(20_000), count=2).astype(np.float64)
    far = values > 5.0
    assert (far.all(axis=-1) | ~far.any(axis=-1)).all()
    assert 0.24 < 1.0 - far[..., 0].mean() < 0.26
    assert abs(np.corrcoef(far[:, 0, 0], far[:, 1, 0])[0, 1]) < 0.03
    inside = (values - 10.0 * far).reshape(-1, 3)
    assert np.abs(np.corrcoef(inside.T) - np.eye(3)).max() < 0.03
    for i in range(3):
        assert stats.kstest(inside[:, i], "uniform").pvalue > 0.01


def test_correlated_normal() -> None:
    """The whitened vector is standard normal in each direction, also where the covariance is singular."""
    covariance = np.array([[0.04, 0.03, 0.0], [0.03, 0.09, -0.02], [0.0, -0.02, 0.01]])
    dist = MultivariateNormal([1.0, 0.0, -3.0], covariance)
    values = Draws(5).sample("g", dist, np.arange(N)).astype(np.float64)[:, 0]
    white = np.linalg.solve(np.linalg.cholesky(covariance), (values - [1.0, 0.0, -3.0]).T).T
    assert np.abs(np.corrcoef(white.T) - np.eye(3)).max() < 0.01
    for direction in np.vstack([np.eye(3), np.ones(3) / np.sqrt(3.0)]):
        assert stats.kstest(white @ direction, "norm").pvalue > 0.01
    singular = MultivariateNormal([0.0, 5.0, 0.0], [[1.0, 0.0, 2.0], [0.0, 0.0, 0.0], [2.0, 0.0, 4.0]])
    drawn = Draws(5).sample("s", singular, np.arange(1000))[:, 0]
    assert (drawn[:, 1] == 5.0).all() and np.array_equal(drawn[:, 2], 2.0 * drawn[:, 0])


def test_samples_come_as_rows() -> None:
    """Each measured row comes equally often, and only whole rows."""
    rows = np.array([[float(i), float(-i * i)] for i in range(37)])
    drawn = Draws(6).sample("e", Empirical(rows.tolist()), np.arange(N))[:, 0]
    found, counts = np.unique(drawn, axis=0, return_counts=True)
    assert np.array_equal(found, rows)
    assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize("shape", [(2.0, 5.0), (0.1, 0.1), (0.5, 0.5), (1.0, 1.0), (1000.0, 1000.0), (0.1, 1000.0)])
def test_beta_quantile_is_accurate(shape: tuple[float, float]) -> None:
    """The table follows the exact quantile to 1e-6 of the range, in both tails, and never falls."""
    z = np.linspace(-5.42, 5.42, 20_001)
    exact = np.where(z < 0.0, stats.beta.ppf(stats.norm.cdf(z), *shape), stats.beta.isf(stats.norm.sf(z), *shape))
    got = beta_from_normal(beta_knots(*shape), z)
    assert np.abs(got - exact).max() < 1e-6
    assert (np.diff(got) >= -1e-15).all()


@pytest.mark.parametrize(
    ("dist", "values", "probabilities"),
    [
        (UniformInt(8, 12), [8, 9, 10, 11, 12], [0.2] * 5),
        (UniformInt(-1, 1), [-1, 0, 1], [1 / 3] * 3),
        (Choice([0.0, 2.5, 7.0], [0.7, 0.1, 0.2]), [0.0, 2.5, 7.0], [0.7, 0.1, 0.2]),
    ],
)
def test_chi_squared(dist: Distribution, values: list[float], probabilities: list[float]) -> None:
    """Whole numbers and choices come as often as they should, both ends included, and nothing else comes."""
    drawn, counts = np.unique(Draws(12).sample("chi", dist, np.arange(N)), return_counts=True)
    assert drawn.tolist() == values
    assert stats.chisquare(counts, np.array(probabilities) * N).pvalue > 0.01


def test_uniform_int_is_unbiased_to_2_to_the_minus_32() -> None:
    """Each value owns floor or ceil of 2^32 / n words, seen at the borders between values."""
    for n in (3, 5, 7, 1000, 2**24):
        table = compile_table(UniformInt(0, n - 1))
        k = np.unique(np.linspace(1, n - 1, 50).astype(np.int64))
        border = -(-k * 2**32 // n)  # first word of value k
        assert values_from_bits(table, border[:, None].astype(np.uint32))[:, 0].tolist() == k.tolist()
        assert values_from_bits(table, (border - 1)[:, None].astype(np.uint32))[:, 0].tolist() == (k - 1).tolist()


def test_constant() -> None:
    """A constant is its value, in float32."""
    assert (Draws(1).sample("c", Constant([0.1, -2.0]), np.arange(5)) == np.array([0.1, -2.0], np.float32)).all()


def test_normal_quantile_is_accurate() -> None:
    """The rationals follow the exact quantile to 2 ulp of float32, over everything that can be drawn."""
    p = np.concatenate([np.linspace(2.0**-25, 1.0 - 2.0**-25, 400_001), np.geomspace(1e-15, 0.5, 100_001)])
    exact = ndtri(p)
    error = np.abs(normal_from_probability(p) - exact)
    assert (error <= 2.0 * np.spacing(np.abs(exact).astype(np.float32)) + 1e-12).all()


def test_normal_is_monotone_symmetric_and_bounded() -> None:
    """All 2^24 inputs: non-decreasing, odd about the middle, within 5.42 standard deviations."""
    k = np.arange(2**24, dtype=np.float64) * 2.0**-24
    z = normal_from_unit(k.astype(np.float32))
    assert (np.diff(z) >= 0.0).all()
    assert np.array_equal(z, -z[::-1])
    assert 5.4 < z[-1] < NORMAL_REACH


FINITE = st.floats(-100.0, 100.0, allow_subnormal=False)
ANY_DIST = st.one_of(
    st.tuples(FINITE, FINITE).map(lambda p: Uniform(min(p), max(p))),
    st.tuples(st.integers(-50, 50), st.integers(0, 60)).map(lambda p: UniformInt(p[0], p[0] + p[1])),
    st.tuples(st.floats(1e-3, 1.0), st.floats(1.0, 1e3)).map(lambda p: LogUniform(*p)),
    st.tuples(FINITE, st.floats(0.0, 10.0)).map(lambda p: Normal(*p)),
    st.tuples(FINITE, st.floats(1e-3, 10.0), st.floats(0.0, 4.0), st.floats(0.0, 4.0)).map(
        lambda p: TruncatedNormal(p[0], p[1], p[0] - (p[2] + 0.01) * p[1], p[0] + (p[3] + 0.01) * p[1])
    ),
    st.tuples(st.sampled_from([0.1, 0.7, 2.0, 30.0]), st.sampled_from([0.1, 1.0, 5.0]), FINITE, FINITE).map(
        lambda p: Beta(p[0], p[1], min(p[2:]), max(p[2:]))
    ),
)


@settings(max_examples=150, deadline=None)
@given(ANY_DIST, st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=30))
def test_values_stay_inside_and_in_order(dist: Distribution, words: list[int]) -> None:
    """Every word, the extremes too, gives a value within the bounds, and a larger word never a smaller value."""
    bits = np.sort(np.array([0, *words, 2**32 - 1], dtype=np.uint32))
    values = values_from_bits(compile_table(dist), bits[:, None])[:, 0]
    low, high = (np.float32(bound[0]) for bound in dist.bounds())
    assert (values >= low).all() and (values <= high).all()
    assert (np.diff(values) >= 0.0).all()


def test_degenerate_ranges() -> None:
    """A range of one value, or a standard deviation of zero, is that value."""
    draws = Draws(3)
    for dist in (
        Uniform(0.3, 0.3),
        LogUniform(0.3, 0.3),
        Normal(0.3, 0.0),
        TruncatedNormal(0.3, 0.0, 0.0, 1.0),
        TruncatedNormal(0.0, 1.0, 0.3, 0.3),
        Choice([0.3]),
        Empirical([0.3]),
        Beta(2.0, 3.0, 0.3, 0.3),
        MultivariateNormal([0.3], [[0.0]]),
        Mixture([Constant(0.3), Uniform(0.3, 0.3)]),
        Mixture([Constant(0.1), Constant(0.3)], [0.0, 1.0]),
        Choice([0.1, 0.3, 0.2], [0.0, 1.0, 0.0]),
    ):
        assert (draws.sample("d", dist, np.arange(20)) == np.float32(0.3)).all(), dist


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Uniform(5, 1), "low 5 is greater than high 1"),
        (lambda: Uniform(0, math.inf), "high is inf"),
        (lambda: Uniform(math.nan, 1), "low is nan"),
        (lambda: Uniform([0, 0], [1]), "low has 2, high has 1"),
        (lambda: Uniform([], []), "at least one"),
        (lambda: UniformInt(0.5, 2), "low is 0.5; give a whole number"),
        (lambda: UniformInt(0, 2**25), "within"),
        (lambda: LogUniform(0, 1), "above 0"),
        (lambda: Normal(0, -1), "std is -1"),
        (lambda: TruncatedNormal(0, 1, 2, 1), "low 2 is greater"),
        (lambda: TruncatedNormal(0, 1, 8, 9), "holds under 1e-06"),
        (lambda: TruncatedNormal(0, 0, 1, 2), "mean 0 is outside"),
        (lambda: Choice([]), "at least one value"),
        (lambda: Choice([1, 2], [1]), "1 weights for 2 values"),
        (lambda: Choice([1, 2], [1, -1]), "weight -1"),
        (lambda: Choice([1, 2], [0, 0]), "sum to 0"),
        (lambda: Choice([[1, 2], [3]]), "same number of components"),
        (lambda: Choice([math.inf]), "a value is inf"),
        (lambda: Beta(0, 1), "a is 0; give a shape"),
        (lambda: Beta(2, 2, 1, 0), "low 1 is greater"),
        (lambda: Beta([2, 2], 2, 1, 0), "a has 2, b has 1"),
        (lambda: Empirical([]), "at least one value"),
        (lambda: Empirical(range(10_001)), "at most 10000 numbers"),
        (lambda: Empirical([[1, 2]]).broadcast(3), r"samples have 2 component\(s\); give 3"),
        (lambda: MultivariateNormal([0, 0], [[1, 0]]), "give 2 rows of 2 numbers"),
        (lambda: MultivariateNormal([0, 0], [[1, 2], [2, 1]]), "negative eigenvalue"),
        (lambda: MultivariateNormal([0, 0], [[0, 1], [1, 1]]), "negative eigenvalue"),
        (lambda: MultivariateNormal([0] * 17, np.eye(17)), "give 1 to 16"),
        (lambda: MultivariateNormal([0], [[1]]).broadcast(3), "give 3"),
        (lambda: Mixture([]), "at least one distribution"),
        (lambda: Mixture([Uniform(), Uniform([0, 0], [1, 1])]), "same number of components"),
        (lambda: Mixture([Mixture([Uniform()])]), "'mixture' cannot be a part"),
        (lambda: Mixture([Uniform()], [0]), "sum to 0"),
        (lambda: Uniform([0, 0], [1, 1]).broadcast(3), "got 2 components; give 3"),
        (lambda: Choice([0, 1]).broadcast(3), r"values have 1 component\(s\); give 3"),
        (lambda: UniformInt(0, 1).scaled(2.0), "takes no unit"),
    ],
)
def test_wrong_numbers(make: object, message: str) -> None:
    """Numbers that make no distribution are refused when they are given, not when they are drawn."""
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]
