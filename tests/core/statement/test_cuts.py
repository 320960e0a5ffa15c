"""Sets of instants, against sets of whole numbers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from watchdog.core.statement.cuts import Measure, intersection, total, union

CUTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)))


def instants(cuts):
    return {at for began, ended in cuts for at in range(began, ended)}


@given(CUTS)
def test_a_union_is_sorted_and_disjoint_and_has_the_same_instants(cuts):
    joined = union(cuts)

    assert instants(joined) == instants(cuts)
    assert all(one[1] < other[0] for one, other in pairwise(joined))
    assert total(joined) == len(instants(cuts))


@given(CUTS, CUTS)
def test_an_intersection_has_the_instants_of_both(some, others):
    shared = intersection(union(some), union(others))

    assert instants(shared) == instants(some) & instants(others)
    assert total(shared) == len(instants(shared))


@given(CUTS, st.integers(-5, 55), st.integers(-5, 55))
def test_a_measure_says_how_much_lies_between_two_instants(cuts, began, ended):
    measured = Measure(union(cuts)).between(began, ended)

    assert measured == len(instants(cuts) & set(range(began, ended)))
