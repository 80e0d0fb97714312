"""Which dependencies rings reports, over packages as `cargo metadata` describes them."""

import unittest

import rings

RING = {"quarry-answer": "core", "quarry-edge": "edges", "quarry": "shells", "quarry-plan": "shells"}


def dependency(name: str, kind: str | None = None, features: tuple[str, ...] = (), **more: object) -> dict:
    return {
        "name": name, "kind": kind, "features": list(features), "rename": None, "uses_default_features": True, **more
    }


def package(name: str, *dependencies: dict, features: dict[str, list[str]] | None = None) -> dict:
    return {"name": name, "dependencies": list(dependencies), "features": features or {}}


def fakes(*dependencies: dict, features: dict[str, list[str]] | None = None, name: str = "quarry-plan") -> list[str]:
    return list(rings.fakes(package(name, *dependencies, features=features), {"testing", "all"}))


class Fakes(unittest.TestCase):
    def test_a_dependency_outside_of_tests_has_no_fakes(self) -> None:
        for kind in [None, "build"]:
            for feature in ["testing", "all"]:
                with self.subTest(f"{kind} {feature}"):
                    self.assertEqual(
                        fakes(dependency("quarry-edge", kind, ("other", feature))),
                        [f"quarry-plan depends on quarry-edge with {feature}, which is for tests only; make that a dev-dependency"],
                    )

    def test_also_for_one_platform_or_under_another_name(self) -> None:
        self.assertEqual(len(fakes(dependency("quarry-edge", None, ("testing",), target="cfg(unix)", optional=True))), 1)
        self.assertEqual(len(fakes(dependency("quarry-edge", None, ("testing",), rename="edge"))), 1)

    def test_a_crates_own_feature_turns_on_no_fakes(self) -> None:
        for rename, feature in [(None, "quarry-edge/testing"), (None, "quarry-edge?/all"), ("edge", "edge/testing")]:
            with self.subTest(feature):
                self.assertEqual(
                    fakes(dependency("quarry-edge", rename=rename), features={"mine": ["x", feature]}),
                    [f"quarry-plan turns on {feature} with its feature mine; only a dev-dependency may do that"],
                )

    def test_a_crate_for_tests_is_only_a_dependency_of_tests(self) -> None:
        self.assertEqual(
            fakes(dependency("quarry-planned-run")),
            ["quarry-plan depends on quarry-planned-run, which is for tests only; make it a dev-dependency"],
        )
        self.assertEqual(fakes(dependency("quarry-planned-run", "dev")), [])

    def test_the_default_features_have_no_fakes(self) -> None:
        found = rings.features_with_fakes({"testing": [], "more": ["testing"], "default": ["more"], "other": ["dep:x"]})
        self.assertEqual(found, {"testing", "more", "default"})
        plain = package("quarry-plan", dependency("quarry-edge"))
        self.assertEqual(len(list(rings.fakes(plain, found))), 1)
        without = package("quarry-plan", dependency("quarry-edge", uses_default_features=False))
        self.assertEqual(list(rings.fakes(without, found)), [])

    def test_tests_and_crates_for_tests_may_have_fakes(self) -> None:
        self.assertEqual(fakes(dependency("quarry-edge"), dependency("quarry-edge", "dev", ("testing",))), [])
        self.assertEqual(fakes(dependency("quarry-edge", None, ("testing",)), name="quarry-planned-run"), [])
        self.assertEqual(fakes(dependency("other", None, ("testing",)), features={"testing": ["other/testing"]}), [])


class Direct(unittest.TestCase):
    def test_dependencies_that_point_outwards(self) -> None:
        for name, on, is_function in [
            ("quarry-answer", "quarry-edge", False), ("quarry-edge", "quarry", False), ("quarry-plan", "quarry", True)
        ]:
            with self.subTest(name):
                self.assertEqual(len(list(rings.direct(package(name, dependency(on)), RING, is_function))), 1)
                self.assertEqual(list(rings.direct(package(name, dependency(on, "dev")), RING, is_function)), [])

    def test_dependencies_that_point_inwards(self) -> None:
        inwards = package("quarry-plan", dependency("quarry-answer"), dependency("quarry-edge"), dependency("serde"))
        self.assertEqual(list(rings.direct(inwards, RING, True)), [])


class Table(unittest.TestCase):
    def test_every_member_is_in_one_ring(self) -> None:
        table = {"core": ["a", "b"], "edges": ["b"], "shells": ["gone"]}
        self.assertEqual(len(list(rings.ring_of_each(table, {"a", "b", "c"}))), 3)
        self.assertEqual(list(rings.ring_of_each({"core": ["a"], "edges": ["b"], "shells": ["c"]}, {"a", "b", "c"})), [])


if __name__ == "__main__":
    unittest.main()
