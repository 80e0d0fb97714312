"""SageMaker and Quarry understand the pipeline. Needs the SageMaker SDK, but no account."""

import json
import re
import unittest
from pathlib import Path

import boto3
from sagemaker.workflow.pipeline_context import PipelineSession

import pipeline

ROOT = Path(__file__).resolve().parents[2]
# The message with which `trigger` is tested.
MESSAGE = ROOT / "functions/trigger/tests/events/callback-executing.json"
QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/quarry-callbacks"


def definition() -> dict:
    account = boto3.Session(region_name="eu-central-1", aws_access_key_id="none", aws_secret_access_key="none")
    session = PipelineSession(boto_session=account, default_bucket="quarry-data")
    role = "arn:aws:iam::123456789012:role/pipeline"
    image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/use:1"
    return json.loads(pipeline.build(QUEUE, role, image, session).definition())


class Definition(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.definition = definition()
        cls.steps = {step["Name"]: step for step in cls.definition["Steps"]}
        cls.defaults = {one["Name"]: one["DefaultValue"] for one in cls.definition["Parameters"]}

    def test_quarrys_queue_gets_the_message_that_trigger_is_tested_with(self) -> None:
        label = self.steps["Label"]
        self.assertEqual((label["Type"], label["SqsQueueUrl"]), ("Callback", QUEUE))
        sent = {
            name: self.defaults[value["Get"].removeprefix("Parameters.")] if isinstance(value, dict) else value
            for name, value in label["Arguments"].items()
        }
        (record,) = json.loads(MESSAGE.read_text(encoding="utf-8"))["Records"]
        self.assertEqual(sent, json.loads(record["body"])["arguments"])

    def test_settings_are_known(self) -> None:
        settings = (ROOT / "crates/contract/src/settings/names.rs").read_text(encoding="utf-8")
        for name in self.steps["Label"]["Arguments"]:
            if name.startswith("BEDROCK_"):
                self.assertIn(f'    "{name}",', settings)

    def test_declared_outputs_are_those_that_settle_sends(self) -> None:
        declared = [output["OutputName"] for output in self.steps["Label"]["OutputParameters"]]
        settle = (ROOT / "functions/settle/src/ended.rs").read_text(encoding="utf-8")
        answered = re.findall(r'^        \("(\w+)", output\.', settle, re.MULTILINE)
        self.assertEqual(sorted(declared), sorted(answered))

    def test_later_steps_use_declared_outputs_only(self) -> None:
        used = set(re.findall(r"Steps\.Label\.OutputParameters\['(\w+)'\]", json.dumps(self.definition)))
        self.assertEqual(used, {"processed_data", "failed"})

    def test_the_result_reaches_the_next_step(self) -> None:
        (use,) = self.steps["EnoughAnswers"]["Arguments"]["IfSteps"]
        (source,) = use["Arguments"]["ProcessingInputs"]
        self.assertEqual(source["S3Input"]["S3Uri"], {"Get": "Steps.Label.OutputParameters['processed_data']"})


if __name__ == "__main__":
    unittest.main()
