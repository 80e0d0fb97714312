"""The template matches the functions, the state machine and the documents."""

import json
import re
import tomllib
import unittest
from typing import Any

import permissions
import rust
from project import ACCOUNT, ROOT, SAMPLES, Template, matches, resolve, state_machine, transformed



class Functions(unittest.TestCase):
    def setUp(self) -> None:
        self.template = Template()
        self.functions = self.template.functions()

    def test_every_function_has_a_crate_with_one_binary_and_the_reverse(self) -> None:
        self.assertEqual(sorted(self.functions), rust.functions())
        build = tomllib.loads((ROOT / "CargoLambda.toml").read_text(encoding="utf-8"))["build"]
        self.assertEqual(build["packages"], [f"quarry-{name}" for name in sorted(self.functions)])
        for name, properties in self.functions.items():
            # Built from the root, where CargoLambda.toml lists all functions: cargo then selects the same features for each.
            self.assertEqual((ROOT / "infra" / properties["CodeUri"]).resolve(), ROOT)
            manifest = tomllib.loads((ROOT / "functions" / name / "Cargo.toml").read_text(encoding="utf-8"))
            self.assertEqual(manifest["package"]["name"], f"quarry-{name}")
            # One binary, named like the package.
            self.assertTrue((ROOT / "functions" / name / "src/main.rs").is_file())
            self.assertNotIn("bin", manifest)
            logical_id = self.template.logical_id(name)
            self.assertEqual(logical_id, f"{name.capitalize()}Function")
            metadata = self.template.resources[logical_id]["Metadata"]
            build = {key: value for key, value in metadata.items() if key != "cfn-lint"}
            self.assertEqual(build, {"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": f"quarry-{name}"}})

    def test_no_function_has_more_than_512_mb(self) -> None:
        for name, properties in self.functions.items():
            self.assertIsInstance(properties["MemorySize"], int, name)
            self.assertLessEqual(properties["MemorySize"], 512, name)

    def test_a_function_ends_before_its_state_times_out(self) -> None:
        limits = set(map(int, re.findall(r'"TimeoutSeconds": (\d+),\s*"Parameters"', state_machine())))
        self.assertTrue(limits)
        for name, properties in self.functions.items():
            self.assertLess(properties["Timeout"], min(limits), name)

    def test_variables_are_those_that_the_code_reads(self) -> None:
        edge = rust.text_of(rust.EDGE / "environment.rs")
        constants = dict(re.findall(r'pub const (\w+): &str = "(\w+)"', edge))
        # Some of these are only for servers other than AWS's, or are set by Lambda.
        not_given = {constants.get("PATH_STYLE_VARIABLE", ""), "AWS_LAMBDA_LOG_LEVEL", "AWS_ENDPOINT_URL_SAGEMAKER"}
        everywhere = set(re.findall(r'environment\("(\w+)"\)', rust.text_of(rust.EDGE / "function.rs")))
        settings = (ROOT / "crates/contract/src/settings/names.rs").read_text(encoding="utf-8")
        for name, properties in self.functions.items():
            main = rust.function(name).main
            read = set(re.findall(r'_?environment\("(\w+)"\)', main)) | everywhere
            for constant, variable in constants.items():
                if constant in main:
                    read.add(variable)
            if "work_from_environment()" in main:
                read.add(constants["WORK_VARIABLE"])
            given = set(properties["Environment"]["Variables"])
            given_settings = {variable for variable in given if variable.startswith("BEDROCK_")}
            self.assertEqual(given - given_settings, read - not_given, name)
            self.assertEqual(bool(given_settings), "settings_from_environment()" in main, name)
            for setting in given_settings:
                self.assertIn(f'    "{setting}",', settings)

    def test_asynchronous_calls_keep_events_that_failed(self) -> None:
        targets = [target["Arn"] for rule in self.template.of_type("AWS::Events::Rule").values() for target in rule["Targets"]]
        for target in (target for rule in self.template.of_type("AWS::Events::Rule").values() for target in rule["Targets"]):
            self.assertIn("DeadLetterConfig", target)
        called = {target["Fn::GetAtt"][0] for target in targets if "Fn::GetAtt" in target}
        self.assertEqual(called, {"TriggerFunction", "SettleFunction"})
        for name in called:
            settings = self.template.resources[name]["Properties"]["EventInvokeConfig"]
            self.assertEqual(settings["DestinationConfig"]["OnFailure"]["Type"], "SQS")
            self.assertEqual(settings["MaximumRetryAttempts"], 2)


class StateMachine(unittest.TestCase):
    def setUp(self) -> None:
        (self.machine,) = Template().of_type("AWS::Serverless::StateMachine").values()

    def test_all_placeholders_are_filled_and_no_others(self) -> None:
        self.assertEqual(set(self.machine["DefinitionSubstitutions"]), set(re.findall(r"\$\{(\w+)\}", state_machine())))

    def test_a_deployment_during_a_run_changes_no_function_of_it(self) -> None:
        """The definition names the version of each function. An execution, also a redriven one, keeps its definition."""
        template = Template()
        for place, value in self.machine["DefinitionSubstitutions"].items():
            self.assertEqual(value, {"Ref": "AWS::Partition"} if place == "Partition" else {"Ref": f"{place}.Version"})
        made = transformed(template.document)["Resources"]
        machine = made["StateMachine"]["Properties"]["DefinitionSubstitutions"]
        for place in set(machine) - {"Partition"}:
            version = made[machine[place]["Ref"]]
            self.assertEqual((version["Type"], version["DeletionPolicy"]), ("AWS::Lambda::Version", "Retain"), place)
            self.assertEqual(version["Properties"]["FunctionName"], {"Ref": place})

    def test_a_changed_function_is_a_new_version_for_new_runs(self) -> None:
        def versions(document: dict[str, Any]) -> dict[str, str]:
            machine = transformed(document)["Resources"]["StateMachine"]
            return {place: value.get("Ref") for place, value in machine["Properties"]["DefinitionSubstitutions"].items()}

        template = Template()
        before = versions(template.document)
        template.document["Resources"]["MergeFunction"]["Properties"]["MemorySize"] = 384
        after = versions(template.document)
        self.assertEqual([place for place in before if before[place] != after[place]], ["MergeFunction"])

    def test_a_changed_parameter_is_a_new_version_for_new_runs(self) -> None:
        """SAM does not see the values of parameters; CloudFormation replaces a version whose description has changed."""
        template = Template()
        parameters = set(template.document["Parameters"]) | {"AWS::StackName"}

        def used(value: Any) -> set[str]:
            names = set(re.findall(r'"Ref": "([\w:]+)"', json.dumps(value))) | set(re.findall(r"\$\{([\w:]+)\}", json.dumps(value)))
            return names & parameters

        made = transformed(template.document)["Resources"]
        for place in set(self.machine["DefinitionSubstitutions"]) - {"Partition"}:
            # Neither of these belongs to a version. The stack's name never changes.
            left_out = ("FunctionName", "ReservedConcurrentExecutions")
            versioned = {key: one for key, one in made[place]["Properties"].items() if key not in left_out}
            version = made[made["StateMachine"]["Properties"]["DefinitionSubstitutions"][place]["Ref"]]
            self.assertEqual(used(version["Properties"]["Description"]), used(versioned) - {"AWS::StackName"}, place)
            self.assertEqual(version["UpdateReplacePolicy"], "Retain", place)

    def test_the_description_of_a_version_fits_whatever_the_parameters_are(self) -> None:
        """Lambda refuses a description of more than 256 characters, and then the stack fails."""
        template = Template()
        parameters = template.document["Parameters"]
        account, region = "123456789012", "ap-southeast-2"
        gov = f"arn:aws-us-gov:bedrock:us-gov-west-1x:{account}"
        models = [
            "m" * 76,
            f"arn:aws:bedrock:{region}:{account}:inference-profile/{'p' * 48}",
            f"arn:aws:bedrock:{region}:{account}:foundation-model/{'p' * 48}",
            f"arn:aws:bedrock:{region}:{account}:application-inference-profile/{'p' * 36}",
            f"arn:aws:bedrock:{region}:{account}:custom-model-deployment/{'p' * 24}",
            f"{gov}:inference-profile/{'p' * 48}",
        ]
        longest: dict[str, Any] = {
            "BucketName": "b" * 63,
            "MaxCost": "9999999.999999",
            "PriceIn": "9999.999999",
            "PriceOut": "9999.999999",
            "KmsKeyArn": f"arn:aws-us-gov:kms:us-gov-west-1:{account}:key/{'k' * 36}",
        }
        for name, parameter in parameters.items():
            if "AllowedValues" in parameter:
                longest[name] = max(map(str, parameter["AllowedValues"]), key=len)
            elif "MaxValue" in parameter:
                longest[name] = parameter["MaxValue"]
        for name, value in [*longest.items(), *(("ModelId", model) for model in models)]:
            pattern = parameters[name].get("AllowedPattern")
            if pattern:
                self.assertRegex(value, pattern)
                self.assertNotRegex(f"{value}{value[-1]}", pattern, f"{name} can be longer")
        for place in set(self.machine["DefinitionSubstitutions"]) - {"Partition"}:
            described = template.resources[place]["Properties"]["VersionDescription"]
            for model in models:
                text = resolve(described, values={**longest, "ModelId": model})
                self.assertNotIn("<", text, "a parameter has no longest value")
                self.assertLessEqual(len(text), 256, f"{place}: {text}")

    def test_the_description_of_a_version_has_what_names_the_model_and_the_key(self) -> None:
        template = Template()
        described = template.resources["PlanFunction"]["Properties"]["VersionDescription"]
        place = f"eu-central-1:{ACCOUNT}"
        for model, named in (
            ("us.a.model-v1:0", "us.a.model-v1:0"),
            (f"arn:aws:bedrock:{place}:inference-profile/eu.a.model", f"{place}:eu.a.model"),
            (f"arn:aws:bedrock:{place}:application-inference-profile/abc123", f"{place}:application-abc123"),
            (f"arn:aws-us-gov:bedrock:{place}:custom-model/a.model/abc123", f"{place}:custom-model/a.model/abc123"),
            ("", ""),
        ):
            words = resolve(described, values={**SAMPLES, "ModelId": model}).split(" ")
            self.assertEqual((words[3], words[-1]), (named, "own"))
        words = resolve(described, values={**SAMPLES, "ModelId": "a.model", "KmsKeyArn": ""}).split(" ")
        self.assertEqual(words[-1], "")

    def test_logs_hold_no_inputs_and_outputs(self) -> None:
        self.assertIs(self.machine["Logging"]["IncludeExecutionData"], False)

    def test_job_files_outlive_the_time_in_which_a_run_can_be_redriven(self) -> None:
        parameter = Template().document["Parameters"]["WorkDays"]
        longest = json.loads(state_machine())["TimeoutSeconds"] / 86_400
        self.assertGreater(parameter["MinValue"], longest + 14)
        # A redrive has the whole time again, and the lifecycle counts from the day on which a file is written.
        self.assertGreater(parameter["Default"], longest + 14 + longest)


class Bucket(unittest.TestCase):
    def test_nothing_deleted_stays_for_ever(self) -> None:
        rules = Template().resources["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
        everywhere = [rule for rule in rules if "Prefix" not in rule]
        self.assertTrue(any("NoncurrentVersionExpiration" in rule for rule in everywhere))
        self.assertTrue(any("AbortIncompleteMultipartUpload" in rule for rule in everywhere))
        # S3 removes delete markers only by a rule without a time of its own.
        markers = [rule for rule in everywhere if rule.get("ExpiredObjectDeleteMarker") is True]
        self.assertTrue(markers)
        self.assertFalse([rule for rule in markers if "ExpirationInDays" in rule])


class Models(unittest.TestCase):
    """With only a bucket's name, the stack uses a model that a new account can use."""

    def test_the_defaults_of_the_models_belong_together(self) -> None:
        parameters = Template().document["Parameters"]
        profile = parameters["ModelId"]["Default"]
        geography, _, model = profile.partition(".")
        self.assertEqual(geography, "us")
        arns = parameters["ModelArns"]["Default"].split(",")
        self.assertGreater(len(arns), 1)
        for arn in arns:
            self.assertRegex(arn, rf"^arn:aws:bedrock:us-[a-z]+-[0-9]::foundation-model/{re.escape(model)}$")
            self.assertRegex(arn, parameters["ModelArns"]["AllowedPattern"])
        allowed = parameters["ProfileArns"]["Default"]
        self.assertRegex(allowed, parameters["ProfileArns"]["AllowedPattern"])
        for region in ("us-east-1", "us-west-2"):
            self.assertTrue(matches(allowed, f"arn:aws:bedrock:{region}:{ACCOUNT}:inference-profile/{profile}"))
        self.assertFalse(matches(allowed, f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/us.another.model"))

    def test_a_location_in_another_bucket_ends_with_its_star(self) -> None:
        # trigger does not start with any other pattern.
        parameters = Template().document["Parameters"]
        for name in ("ReadableArns", "WritableArns"):
            pattern = parameters[name]["AllowedPattern"]
            for arn in ("", "arn:aws:s3:::tables", "arn:aws:s3:::tables/*", "arn:aws:s3:::tables/strikes/2026-*"):
                self.assertRegex(arn, pattern)
            for arn in ("arn:aws:s3:::*/a", "arn:aws:s3:::tables/*/a", "arn:aws:s3:::tab?es/a", "s3://tables/a"):
                self.assertNotRegex(arn, pattern)

    def test_a_global_profiles_model_can_be_allowed(self) -> None:
        pattern = Template().document["Parameters"]["ModelArns"]["AllowedPattern"]
        self.assertRegex("arn:aws:bedrock:::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0", pattern)

    def test_a_parameter_without_a_default_is_the_buckets_name_alone(self) -> None:
        parameters = Template().document["Parameters"]
        self.assertEqual([name for name, one in parameters.items() if "Default" not in one], ["BucketName"])


class Starts(unittest.TestCase):
    def setUp(self) -> None:
        self.template = Template()

    def test_only_the_inbox_starts_runs_and_nothing_is_written_there(self) -> None:
        variables = resolve(self.template.functions()["trigger"]["Environment"]["Variables"])
        places = {name: value.removeprefix("s3://bucket/") + "/" for name, value in variables.items() if value.startswith("s3://")}
        self.assertEqual(set(places), {"QUARRY_INBOX", "QUARRY_PIPELINES", "QUARRY_RESULTS", "QUARRY_WORK"})
        inbox = places.pop("QUARRY_INBOX")
        for name, place in places.items():
            self.assertFalse(place.startswith(inbox) or inbox.startswith(place), name)
        pattern = resolve(self.template.resources["Arrival"]["Properties"]["EventPattern"])
        self.assertEqual(pattern["detail"], {"bucket": {"name": ["bucket"]}, "object": {"key": [{"prefix": inbox}]}})
        for role in self.template.of_type("AWS::IAM::Role"):
            for statement in self.template.statements(role, optional=False):
                if statement.action == "s3:PutObject":
                    self.assertFalse(statement.resource.startswith(f"arn:aws:s3:::bucket/{inbox}"), str(statement))

    def test_settle_looks_for_late_jobs_as_long_as_submit_may_create_one(self) -> None:
        settle = (ROOT / "functions/settle/src/ended.rs").read_text(encoding="utf-8")
        late = re.search(r"LATE_JOBS: Duration = Duration::from_secs\((\d+)\)", settle)
        assert late
        self.assertLess(self.template.functions()["submit"]["Timeout"], int(late[1]))
        # Lambda retries after one minute and after two more; at the last call the time must be over.
        self.assertLess(int(late[1]), 180)
        self.assertEqual(self.template.functions()["settle"]["EventInvokeConfig"]["MaximumRetryAttempts"], 2)

    def test_the_functions_that_use_their_time_up_have_as_much_as_they_believe(self) -> None:
        clock = (ROOT / "crates/edge/src/clock.rs").read_text(encoding="utf-8")
        longest = re.search(r"LONGEST_INVOCATION: Duration = Duration::from_mins\((\d+)\)", clock)
        assert longest
        for name in ("plan", "invoke", "finish"):
            self.assertEqual(self.template.functions()[name]["Timeout"], int(longest[1]) * 60, name)

    def test_a_schedule_calls_settle_to_sweep(self) -> None:
        sweep = self.template.resources["Sweep"]["Properties"]
        self.assertEqual(sweep["ScheduleExpression"], "rate(1 hour)")
        (target,) = sweep["Targets"]
        self.assertEqual(target["Arn"], {"Fn::GetAtt": ["SettleFunction", "Arn"]})
        # The members of the payload: functions/settle/src/event.rs.
        self.assertEqual(json.loads(target["Input"]), {"sweep": True})
        sweep_source = (ROOT / "functions/settle/src/sweep.rs").read_text(encoding="utf-8")
        most = re.search(r"MOST_TIME: Duration = Duration::from_mins\((\d+)\)", sweep_source)
        assert most
        self.assertLess(int(most[1]) * 60, self.template.functions()["settle"]["Timeout"])

    def test_the_time_for_a_redrive_is_the_functions(self) -> None:
        parameter = self.template.document["Parameters"]["RedriveHours"]
        redrive = (ROOT / "functions/settle/src/redrive.rs").read_text(encoding="utf-8")
        self.assertIn(f"const DEFAULT: Duration = Duration::from_hours({parameter['Default']});", redrive)
        # Step Functions redrives for 14 days.
        self.assertEqual(parameter["MaxValue"], 14 * 24)

    def test_every_end_of_a_run_is_settled(self) -> None:
        detail = self.template.resources["RunEnded"]["Properties"]["EventPattern"]["detail"]
        self.assertEqual(detail["status"], ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"])
        self.assertEqual(detail["stateMachineArn"], [{"Ref": "StateMachine"}])

    def test_a_message_stays_hidden_while_it_may_be_worked_on(self) -> None:
        queue = self.template.resources["CallbackQueue"]["Properties"]
        trigger = self.template.functions()["trigger"]
        self.assertGreaterEqual(queue["VisibilityTimeout"], 6 * trigger["Timeout"])
        self.assertEqual(trigger["Events"]["Callback"]["Properties"]["FunctionResponseTypes"], ["ReportBatchItemFailures"])

    def test_queues_are_encrypted_and_keep_what_failed_for_14_days(self) -> None:
        queues = self.template.of_type("AWS::SQS::Queue")
        for name, queue in queues.items():
            self.assertIs(queue["SqsManagedSseEnabled"], True, name)
            self.assertEqual(queue["MessageRetentionPeriod"], 14 * 86_400, name)
        for policy in self.template.of_type("AWS::SQS::QueuePolicy").values():
            # SQS only accepts statements about the queue that the policy belongs to.
            (queue,) = policy["Queues"]
            for statement in policy["PolicyDocument"]["Statement"]:
                statement = statement["Fn::If"][1] if "Fn::If" in statement else statement
                self.assertEqual(statement["Resource"], {"Fn::GetAtt": [queue["Ref"], "Arn"]})
        covered = [queue["Ref"] for policy in self.template.of_type("AWS::SQS::QueuePolicy").values() for queue in policy["Queues"]]
        self.assertEqual(sorted(covered), sorted(queues))


class Watching(unittest.TestCase):
    def setUp(self) -> None:
        self.template = Template()

    def test_the_rule_publishes_with_a_role_and_the_topic_lets_no_other_rule_in(self) -> None:
        # A statement for EventBridge in the topic's policy cannot have a condition, so it would admit every account's rules.
        document = self.template.resources["TopicPolicy"]["Properties"]["PolicyDocument"]
        allowing = {one["Sid"]: (one["Principal"], one.get("Condition")) for one in document["Statement"] if one["Effect"] == "Allow"}
        own_account = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
        self.assertEqual(allowing, {"Alarms": ({"Service": "cloudwatch.amazonaws.com"}, own_account)})
        targets = self.template.resources["RunEnded"]["Properties"]["Targets"]
        (topic,) = [one for one in targets if one["Arn"] == {"Ref": "Topic"}]
        self.assertEqual(topic["RoleArn"], {"Fn::GetAtt": ["RunEndedRole", "Arn"]})

    def metrics(self) -> set[str]:
        """Returns the names of Quarry's metrics that alarms and the dashboard use."""
        found = set()
        for alarm in self.template.of_type("AWS::CloudWatch::Alarm").values():
            found |= {alarm["MetricName"]} if alarm.get("Namespace") == "Quarry" else set()
            for metric in alarm.get("Metrics", []):
                shown = metric.get("MetricStat", {}).get("Metric", {})
                found |= {shown["MetricName"]} if shown.get("Namespace") == "Quarry" else set()
        for widget in self.dashboard()["widgets"]:
            space = name = ""
            for line in widget["properties"]["metrics"]:
                space, name = (line[0] if line[0] != "." else space), (line[1] if line[1] != "." else name)
                found |= {name} if space == "Quarry" else set()
        return found

    def dashboard(self) -> dict:
        return json.loads(resolve(self.template.resources["Dashboard"]["Properties"]["DashboardBody"]))

    def test_the_dashboard_is_json_and_names_every_function(self) -> None:
        text = json.dumps(self.dashboard())
        for function in self.template.functions():
            self.assertIn(f'"{function}"', text)

    def test_metrics_that_are_shown_are_sent(self) -> None:
        sent = (ROOT / "crates/edge/src/metrics.rs").read_text(encoding="utf-8")
        for name in self.metrics():
            self.assertIn(name, sent)

    def test_every_alarm_notifies_the_topic_and_is_in_the_operations_document(self) -> None:
        operations = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
        for name, alarm in self.template.of_type("AWS::CloudWatch::Alarm").items():
            self.assertEqual(alarm["AlarmActions"], [{"Ref": "Topic"}], name)
            self.assertEqual(alarm["TreatMissingData"], "notBreaching", name)
            short = alarm["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")
            self.assertIn(f"### {short}", operations)


class Documents(unittest.TestCase):
    def test_the_security_document_says_why_each_permission_is_there(self) -> None:
        template = Template()
        rows: dict[str, set[str]] = {}
        for line in (ROOT / "docs/security.md").read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if line.startswith("| ") and len(cells) == 4:
                rows.setdefault(cells[0].strip("`"), set()).update(re.findall(r"`(\w+:\w+)`", cells[1]))
        shared = rows["all functions"]
        # The document describes keys in a separate section.
        for function in template.functions():
            allowed = {one.action for one in template.statements(template.role_of(function), optional=False)}
            self.assertEqual(rows[function] | shared, allowed, function)
        for title, role in (("state machine", "StateMachineRole"), ("batch role", "BatchRole"), ("rule for ends of runs", "RunEndedRole")):
            allowed = {one.action for one in template.statements(role) if not one.action.startswith("kms:")}
            self.assertEqual(rows[title], allowed, title)

    def test_every_parameter_is_in_the_deployment_document(self) -> None:
        deploy = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
        grouped = []
        document = Template().document
        for group in document["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]:
            grouped += group["Parameters"]
        self.assertEqual(sorted(grouped), sorted(document["Parameters"]))
        for name in document["Parameters"]:
            self.assertIn(f"`{name}`", deploy)

    def test_the_skip_list_has_a_reason_for_each_check(self) -> None:
        lines = (ROOT / "infra/checkov.yaml").read_text(encoding="utf-8").splitlines()
        skipped = [number for number, line in enumerate(lines) if line.strip().startswith("- CKV")]
        self.assertTrue(skipped)
        for number in skipped:
            self.assertTrue(lines[number - 1].strip().startswith("#"), lines[number])


class Layout(unittest.TestCase):
    def test_the_prefixes_in_the_permissions_are_the_deployments(self) -> None:
        variables = resolve(Template().functions()["trigger"]["Environment"]["Variables"])
        given = {value.removeprefix("s3://bucket/") for value in variables.values() if value.startswith("s3://")}
        self.assertEqual(given, {key.split("/")[0] for key in permissions.PREFIXES.values()})


if __name__ == "__main__":
    unittest.main()
