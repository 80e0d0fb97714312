"""Every role allows what its function does, and nothing else."""

import copy
import json
import unittest
from pathlib import Path

import cfnlint
import permissions
import rust
from project import ACCOUNT, Template, listed, load, matches, resolve, transformed

# For every action of AWS, the kinds of resources that it can be limited to. cfn-lint contains AWS's list.
RESOURCE_KINDS = json.loads(
    (Path(cfnlint.__file__).parent / "data/AdditionalSpecs/Policies.json").read_text(encoding="utf-8")
)


def knows_resources(action: str) -> bool:
    service, name = action.split(":")
    return bool(RESOURCE_KINDS[service]["Actions"][name.lower()].get("Resources"))


def roles(template: Template) -> list[str]:
    return list(template.of_type("AWS::IAM::Role"))


class Functions(unittest.TestCase):
    def test_each_role_allows_exactly_what_its_function_does(self) -> None:
        self.assertEqual(permissions.problems(Template()), [])

    def test_every_operation_of_the_edges_is_in_the_table_and_the_reverse(self) -> None:
        self.assertEqual(rust.all_operations() | {rust.MISSING, rust.VERSION}, set(permissions.ACTIONS))

    def test_the_tables_of_objects_name_what_the_sources_name(self) -> None:
        for function in rust.functions():
            with self.subTest(function):
                self.assertEqual(list(permissions.table_problems(function)), [])

    def test_each_function_uses_every_client_that_it_builds(self) -> None:
        for name in rust.functions():
            function = rust.function(name)
            self.assertTrue(function.adapters(), f"{name}: no client was found")
            for value, methods in function.calls().items():
                adapter = rust.adapters()[function.adapters()[value]]
                self.assertTrue(methods & set(adapter.operations), f"{name}: no call of `{value}` was found")

    def test_each_role_belongs_to_one_function(self) -> None:
        template = Template()
        used = [template.role_of(function) for function in template.functions()]
        self.assertEqual(len(used), len(set(used)))


class TheCheckItself(unittest.TestCase):
    """The check finds permissions that are removed from a role or added to it."""

    @staticmethod
    def _own_statements(document: dict, role: str) -> list[dict]:
        (policy,) = document["Resources"][role]["Properties"]["Policies"]
        found = []
        for statement in policy["PolicyDocument"]["Statement"]:
            found.append(statement["Fn::If"][1] if "Fn::If" in statement else statement)
        return found

    def test_every_action_that_is_missing_is_found(self) -> None:
        whole = load()
        changes = 0
        for function in Template(whole).functions():
            role = Template(whole).role_of(function)
            for number, statement in enumerate(self._own_statements(whole, role)):
                if statement["Sid"] in ("Profiles", "OtherBuckets", "OtherBucketsKeys"):
                    continue  # Other statements allow the same actions.
                for action in listed(statement["Action"]):
                    changed = copy.deepcopy(whole)
                    own = self._own_statements(changed, role)[number]
                    own["Action"] = [other for other in listed(own["Action"]) if other != action]
                    if any(action in listed(other["Action"]) and other is not own
                           and not other["Sid"].startswith(("Profiles", "Other"))
                           for other in self._own_statements(changed, role)):
                        continue  # Creating a job needs both the model and the job.
                    found = permissions.problems(Template(changed))
                    self.assertTrue(any(action in problem and role in problem or "may not" in problem for problem in found),
                                    f"{role} without {action}: {found}")
                    changes += 1
        self.assertGreater(changes, 30)

    def test_every_object_that_is_missing_is_found(self) -> None:
        whole = load()
        changes = 0
        for function in Template(whole).functions():
            role = Template(whole).role_of(function)
            for number, statement in enumerate(self._own_statements(whole, role)):
                if not str(statement["Action"]).startswith("s3:") or statement["Sid"] == "OtherBuckets":
                    continue
                for at in range(len(listed(statement["Resource"]))):
                    changed = copy.deepcopy(whole)
                    own = self._own_statements(changed, role)[number]
                    own["Resource"] = listed(own["Resource"])[:at] + listed(own["Resource"])[at + 1 :]
                    self.assertTrue(permissions.problems(Template(changed)), f"{role}, {statement['Sid']}, {at}")
                    changes += 1
        self.assertGreater(changes, 30)

    def test_superfluous_actions_and_objects_are_found(self) -> None:
        for function in Template().functions():
            for addition in (
                {"Action": "s3:DeleteObject", "Resource": {"Fn::Sub": "arn:${AWS::Partition}:s3:::${BucketName}/runs/*"}},
                {"Action": "s3:PutObject", "Resource": {"Fn::Sub": "arn:${AWS::Partition}:s3:::${BucketName}/inbox/*"}},
                {"Action": "s3:GetObject", "Resource": {"Fn::Sub": "arn:${AWS::Partition}:s3:::${BucketName}/*"}},
                {"Action": "bedrock:DeleteCustomModel", "Resource": "*"},
            ):
                with self.subTest(function, addition=addition["Action"]):
                    document = load()
                    role = Template(document).role_of(function)
                    (policy,) = document["Resources"][role]["Properties"]["Policies"]
                    policy["PolicyDocument"]["Statement"].append({"Sid": "Added", "Effect": "Allow"} | addition)
                    self.assertTrue(permissions.problems(Template(document)))


class AllRoles(unittest.TestCase):
    def test_a_star_stands_only_where_actions_know_no_resources(self) -> None:
        template = Template()
        stars = 0
        for role in roles(template):
            for statement in template.statements(role):
                if statement.resource == "*":
                    stars += 1
                    self.assertFalse(knows_resources(statement.action), str(statement))
                self.assertNotIn("*", statement.action, str(statement))
        self.assertGreater(stars, 0)
        self.assertTrue(knows_resources("s3:GetObject"))

    def test_a_role_is_passed_once_and_only_to_bedrock(self) -> None:
        template = Template()
        passing = [one for role in roles(template) for one in template.statements(role) if one.action == "iam:PassRole"]
        self.assertEqual([(one.role, one.resource) for one in passing], [("SubmitRole", "<BatchRole.Arn>")])
        condition = permissions.resolved_condition(template, "SubmitRole", passing[0].sid)
        self.assertEqual(condition, {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}})

    def test_keys_are_used_through_s3_only(self) -> None:
        template = Template()
        for role in roles(template):
            for statement in template.statements(role):
                if statement.action.startswith("kms:"):
                    self.assertIn('"kms:ViaService": "s3.eu-central-1.amazonaws.com"', statement.condition, str(statement))

    def test_without_options_no_role_uses_keys_profiles_or_other_buckets(self) -> None:
        template = Template()
        for role in roles(template):
            for statement in template.statements(role, optional=False):
                for optional in ("kms:", ":s3:::tables", ":s3:::outputs", "inference-profile"):
                    self.assertNotIn(optional, statement.action + statement.resource, str(statement))


class Boundary(unittest.TestCase):
    """Every role has the permissions boundary that the parameter names; without the parameter there is none."""

    BOUNDARY = {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]}

    def roles_after_sam(self, document: dict) -> dict[str, dict]:
        """Returns the roles that CloudFormation gets, including those that SAM creates."""
        resources = transformed(document)["Resources"]
        return {name: one["Properties"] for name, one in resources.items() if one["Type"] == "AWS::IAM::Role"}

    def test_every_role_has_the_boundary(self) -> None:
        found = self.roles_after_sam(load())
        self.assertEqual(sorted(found), sorted(roles(Template())))
        for name, properties in found.items():
            self.assertEqual(properties.get("PermissionsBoundary"), self.BOUNDARY, name)

    def test_a_role_that_sam_creates_has_it_too(self) -> None:
        document = load()
        del document["Resources"]["CheckFunction"]["Properties"]["Role"]
        found = self.roles_after_sam(document)
        self.assertEqual(found["CheckFunctionRole"]["PermissionsBoundary"], self.BOUNDARY)

    def test_there_is_none_without_the_parameter(self) -> None:
        document = load()
        self.assertEqual(document["Parameters"]["PermissionsBoundaryArn"]["Default"], "")
        self.assertEqual(
            document["Conditions"]["HasBoundary"],
            {"Fn::Not": [{"Fn::Equals": [{"Ref": "PermissionsBoundaryArn"}, ""]}]},
        )


class ModelAccess(unittest.TestCase):
    def test_calls_are_allowed_on_models_and_on_profiles(self) -> None:
        template = Template()
        for role, action in (("SubmitRole", "bedrock:CreateModelInvocationJob"), ("SubmitRole", "bedrock:InvokeModel"),
                             ("InvokeRole", "bedrock:InvokeModel"), ("BatchRole", "bedrock:InvokeModel")):
            resources = {one.resource for one in template.statements(role) if one.action == action}
            self.assertLessEqual({
                "arn:aws:bedrock:eu-central-1::foundation-model/a.model",
                f"arn:aws:bedrock:eu-central-1:{ACCOUNT}:inference-profile/eu.a.model",
            }, resources, role)


class BatchRole(unittest.TestCase):
    def setUp(self) -> None:
        self.template = Template()
        self.keys = permissions.layout()

    def test_only_bedrock_for_jobs_of_this_account_may_assume_it(self) -> None:
        (statement,) = resolve(self.template.resources["BatchRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"])
        self.assertEqual(statement["Principal"], {"Service": "bedrock.amazonaws.com"})
        self.assertEqual(statement["Condition"], {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"arn:aws:bedrock:eu-central-1:{ACCOUNT}:model-invocation-job/*"},
        })

    def test_it_reads_records_and_writes_answers_and_nothing_else(self) -> None:
        places = self.keys | permissions.PREFIXES
        answers = {self.keys["output"], self.keys["on_demand_output"], self.keys["given_output"]}
        may = {"s3:GetObject": answers | {self.keys["input"]}, "s3:PutObject": answers}
        for action, expected in may.items():
            patterns = [one.resource for one in self.template.statements("BatchRole") if one.action == action]
            allowed = {key for key in places.values() if any(matches(pattern, f"arn:aws:s3:::bucket/{key}") for pattern in patterns)}
            self.assertEqual(allowed, expected, action)
        actions = {one.action for one in self.template.statements("BatchRole", optional=False)}
        self.assertEqual(actions, {"s3:GetObject", "s3:PutObject", "s3:ListBucket"})


class RunEndedRole(unittest.TestCase):
    """The role with which EventBridge publishes the ends of runs to the topic."""

    def setUp(self) -> None:
        self.template = Template()

    def test_it_publishes_to_the_topic_and_nothing_else(self) -> None:
        found = [(one.action, one.resource) for one in self.template.statements("RunEndedRole")]
        self.assertEqual(found, [("sns:Publish", "<Topic>")])

    def test_only_rules_of_this_account_may_assume_it(self) -> None:
        (statement,) = resolve(self.template.resources["RunEndedRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"])
        self.assertEqual(statement["Principal"], {"Service": "events.amazonaws.com"})
        self.assertEqual(statement["Condition"], {"StringEquals": {"aws:SourceAccount": ACCOUNT}})


class StateMachineRole(unittest.TestCase):
    def test_it_calls_the_functions_of_the_definition_and_reads_the_manifest(self) -> None:
        template = Template()
        statements = template.statements("StateMachineRole", optional=False)
        (machine,) = template.of_type("AWS::Serverless::StateMachine").values()
        # Every version, because runs from before a deployment call the versions of that time.
        called = {f"<{place}.Arn>:*" for place in machine["DefinitionSubstitutions"] if place != "Partition"}
        self.assertEqual({one.resource for one in statements if one.action == "lambda:InvokeFunction"}, called)
        read = [one.resource for one in statements if one.action == "s3:GetObject"]
        places = permissions.layout() | permissions.PREFIXES
        allowed = {name for name, key in places.items() if any(matches(pattern, f"arn:aws:s3:::bucket/{key}") for pattern in read)}
        self.assertEqual(allowed, {"manifest"})

    def test_it_follows_its_own_children_only(self) -> None:
        for one in Template().statements("StateMachineRole"):
            if one.action.startswith("states:"):
                self.assertRegex(one.resource, r":(stateMachine:quarry|execution:quarry[:/]\*)$")


if __name__ == "__main__":
    unittest.main()
