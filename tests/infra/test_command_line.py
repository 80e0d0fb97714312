"""CommandLinePolicy allows what the command line does with a deployment, and nothing else."""

import copy
import unittest

import permissions
import rust
from project import Template, listed, load, matches, resolve
from test_permissions import knows_resources

POLICY = "CommandLinePolicy"

# What crates/account calls for these commands, without an adapter of the edges.
OWN = {"cloudformation:DescribeStacks"}


def needed(optional: bool) -> set[str]:
    """Returns every action that the command line uses."""
    operations = rust.CommandLine().operations()
    actions = OWN.union(*(permissions.ACTIONS[operation] for operation in operations))
    return actions | ({"kms:Decrypt", "kms:GenerateDataKey"} if optional else set())


def needed_places(template: Template) -> set[tuple[str, str]]:
    """Returns actions on places that the command line needs: in the deployment's bucket, and where planning reads
    data in other buckets."""
    bucket, key = "arn:aws:s3:::bucket", resolve({"Ref": "KmsKeyArn"}, optional=True)
    own = {("s3:GetObject", f"{bucket}/{prefix}/*") for prefix in ("inbox", "runs", "results")}
    own |= {("s3:ListBucket", bucket), ("kms:Decrypt", key), ("kms:GenerateDataKey", key)}
    elsewhere = template.statements_of_policy("ReadElsewherePolicy")
    return own | {(one.action, one.resource) for one in elsewhere if one.action != "s3:GetObjectVersion"}


def problems(template: Template) -> list[str]:
    """Returns actions that are used but not allowed, or allowed but not used, with and without options."""
    found = []
    for optional in (True, False):
        allowed = {one.action for one in template.statements_of_policy(POLICY, optional)}
        found += [f"{POLICY} does not allow {action}" for action in needed(optional) - allowed]
        found += [f"{POLICY} allows {action}, which is not used" for action in allowed - needed(optional)]
    places = {(one.action, one.resource) for one in template.statements_of_policy(POLICY)}
    found += [f"{POLICY} does not allow {action} on {place}" for action, place in needed_places(template) - places]
    return sorted(set(found))


class CommandLine(unittest.TestCase):
    def test_the_policy_allows_exactly_what_the_commands_do(self) -> None:
        self.assertEqual(problems(Template()), [])

    def test_every_action_that_is_missing_or_superfluous_is_found(self) -> None:
        whole = load()
        statements = whole["Resources"][POLICY]["Properties"]["PolicyDocument"]["Statement"]
        for number, statement in enumerate(statements):
            for action in listed(statement.get("Fn::If", [None, statement])[1]["Action"]):
                changed = copy.deepcopy(whole)
                statement = changed["Resources"][POLICY]["Properties"]["PolicyDocument"]["Statement"][number]
                statement = statement.get("Fn::If", [None, statement])[1]
                statement["Action"] = [other for other in listed(statement["Action"]) if other != action]
                self.assertTrue(problems(Template(changed)), action)
        whole["Resources"][POLICY]["Properties"]["PolicyDocument"]["Statement"].append(
            {"Sid": "Added", "Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "*"}
        )
        self.assertTrue(problems(Template(whole)))

    def test_it_reads_data_runs_and_results_and_no_other_files_of_the_bucket(self) -> None:
        places = permissions.layout() | permissions.PREFIXES
        read = [one.resource for one in Template().statements_of_policy(POLICY) if one.action == "s3:GetObject"]
        allowed = {key for key in places.values() if any(matches(one, f"arn:aws:s3:::bucket/{key}") for one in read)}
        self.assertEqual(allowed, {key for key in places.values() if key.startswith(("inbox/", "runs/", "results/"))})

    def test_it_writes_only_to_its_own_folder_of_the_inbox(self) -> None:
        uploads = {"s3:PutObject", "s3:AbortMultipartUpload"}
        written = {one.resource for one in Template().statements_of_policy(POLICY) if one.action in uploads}
        self.assertEqual(written, {"arn:aws:s3:::bucket/inbox/command-line/*"})

    def test_it_counts_tokens_of_the_deployments_models(self) -> None:
        counted = {one.resource for one in Template().statements_of_policy(POLICY) if one.action == "bedrock:CountTokens"}
        self.assertEqual(counted, set(listed(resolve({"Ref": "ModelArns"}, optional=True))))

    def test_a_star_stands_only_where_actions_know_no_resources(self) -> None:
        for one in Template().statements_of_policy(POLICY):
            self.assertNotIn("*", one.action)
            if one.resource == "*":
                self.assertFalse(knows_resources(one.action), str(one))

    def test_runs_are_those_of_this_deployment(self) -> None:
        for one in Template().statements_of_policy(POLICY):
            if one.action.startswith("states:"):
                self.assertRegex(one.resource, r":(stateMachine:quarry|(execution|mapRun):quarry[:/]\*)$")


if __name__ == "__main__":
    unittest.main()
