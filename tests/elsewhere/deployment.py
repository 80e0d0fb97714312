"""The deployment: `sam deploy` creates it on an emulator of AWS from the packed functions, as without a compiler."""

import json
import subprocess
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from processes import LOOPBACK, REGION, environment, free_ports, wait_until
from release import INFRA, SAM, pack_functions, prebuilt_template
from servers import Bedrock, Ministack, SageMaker, client

BUCKET = "quarry-data"
# A bucket outside of the deployment, for the data and results of pipelines.
PIPELINES_BUCKET = "sagemaker-data"
STACK = "quarry"
MODEL = "anthropic.claude-haiku-4-5-20251001-v1:0"
PROFILE = f"eu.{MODEL}"
PROFILE_REGIONS = ("eu-central-1", "eu-west-1")
ACCOUNT = "000000000000"  # The emulator's.
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
# The permissions boundary of an organisation: it allows what docs/security.md lists, except in this bucket.
OUT_OF_BOUNDS = "out-of-bounds"
BOUNDARY_DOCUMENT = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "bedrock:*", "iam:PassRole", "kms:*", "lambda:InvokeFunction", "logs:*", "s3:*", "sagemaker:*", "sns:Publish", "sqs:*",
                "states:*", "xray:*",
            ],
            "Resource": "*",
        },
        {"Effect": "Deny", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{OUT_OF_BOUNDS}", f"arn:aws:s3:::{OUT_OF_BOUNDS}/*"]},
    ],
}  # fmt: skip
# How long a minute of the state machine's waits takes.
MINUTE_SECONDS = 1.0
ENDS = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}


def emulated_template() -> dict[str, Any]:
    """Returns the template of the packed functions, without the parts that the emulator does not support.

    The emulator has no alarms over several metrics. It uses plain HTTP, which the policies of buckets,
    queues and topics refuse, so only their allowing statements are kept.
    """
    document = prebuilt_template()
    for name, resource in list(document["Resources"].items()):
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in properties:
            del document["Resources"][name]
        if resource["Type"] in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
            policy = properties["PolicyDocument"]
            policy["Statement"] = [one for one in policy["Statement"] if one.get("Effect") == "Allow"]
            if not policy["Statement"]:
                del document["Resources"][name]
        for place in ("CodeUri", "DefinitionUri"):
            if place in properties:
                properties[place] = str((INFRA / properties[place]).resolve())
    return document


class Deployment:
    """The emulator with the stack, the simulator of Bedrock, and the callbacks to pipelines."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.sagemaker = SageMaker()
        port, self._bedrock_port = free_ports(2)
        bedrock = f"http://{LOOPBACK}:{self._bedrock_port}"
        # The emulator passes its own environment on to the functions.
        self.aws = Ministack(
            folder,
            port,
            AUTH="true",  # Each function may only do what its role allows.
            SFN_WAIT_SCALE=str(MINUTE_SECONDS / 60),
            QUARRY_S3_PATH_STYLE="true",
            AWS_ENDPOINT_URL_BEDROCK=bedrock,
            AWS_ENDPOINT_URL_BEDROCK_RUNTIME=bedrock,
            AWS_ENDPOINT_URL_SAGEMAKER=self.sagemaker.endpoint,
        )
        self.bedrock: Bedrock | None = None
        self.s3 = client("s3", self.aws.endpoint)
        self.executions = client("stepfunctions", self.aws.endpoint)
        self.queues = client("sqs", self.aws.endpoint)
        self._logs = client("logs", self.aws.endpoint)
        self.iam = client("iam", self.aws.endpoint)
        self._topics = client("sns", self.aws.endpoint)
        try:
            self.s3.create_bucket(
                Bucket=PIPELINES_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
            self.iam.create_policy(PolicyName="boundary", PolicyDocument=json.dumps(BOUNDARY_DOCUMENT))
            self._deploy()
            self._bound_roles()
        except BaseException:
            self.kill()
            raise
        stacks = client("cloudformation", self.aws.endpoint).describe_stacks(StackName=STACK)["Stacks"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
        self._told = self._subscribe()

    def _deploy(self) -> None:
        pack_functions()
        template = self._folder / "template.json"
        template.write_text(json.dumps(emulated_template()), encoding="utf-8")
        settings = environment(
            AWS_ENDPOINT_URL=self.aws.endpoint, SAM_CLI_TELEMETRY="0", __SAM_CLI_APP_DIR=str(self._folder)
        )
        deployed = subprocess.run(
            [
                SAM, "deploy", "--template-file", template, "--stack-name", STACK, "--resolve-s3",
                "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar", "--parameter-overrides",
                f"BucketName={BUCKET}",
                f"ModelId={PROFILE}",
                "ModelArns=" + ",".join(f"arn:aws:bedrock:{region}::foundation-model/{MODEL}" for region in PROFILE_REGIONS),
                f"ProfileArns=arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/{PROFILE}",
                f"PermissionsBoundaryArn={BOUNDARY}",
                "ReadableArns=" + ",".join(
                    f"arn:aws:s3:::{bucket}{objects}" for bucket in (PIPELINES_BUCKET, OUT_OF_BOUNDS) for objects in ("", "/*")
                ),
                f"WritableArns=arn:aws:s3:::{PIPELINES_BUCKET},arn:aws:s3:::{PIPELINES_BUCKET}/*",
            ],
            cwd=self._folder, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
        )  # fmt: skip
        if deployed.returncode != 0:
            raise RuntimeError(f"sam deploy failed\n{deployed.stdout}\n{self.aws.tail()}")

    def roles(self) -> dict[str, str]:
        """Returns the names of the stack's roles, by logical id."""
        formation = client("cloudformation", self.aws.endpoint)
        pages = formation.get_paginator("list_stack_resources").paginate(StackName=STACK)
        resources = [one for page in pages for one in page["StackResourceSummaries"]]
        return {
            one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources if one["ResourceType"] == "AWS::IAM::Role"
        }

    def _bound_roles(self) -> None:
        """Gives the roles the boundary of the template. The emulator enforces boundaries, but its
        CloudFormation does not set them."""
        asked = emulated_template()["Resources"]
        for logical_id, role in self.roles().items():
            if "PermissionsBoundary" in asked[logical_id]["Properties"]:
                self.iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=BOUNDARY)

    def targets_of(self, logical_id: str) -> list[dict[str, Any]]:
        """Returns the targets of one of the stack's rules."""
        events = client("events", self.aws.endpoint)
        (rule,) = events.list_rules(NamePrefix=f"{STACK}-{logical_id}")["Rules"]
        return events.list_targets_by_rule(Rule=rule["Name"])["Targets"]

    def _subscribe(self) -> str:
        """Subscribes a queue to the topic and returns its URL."""
        url = self.queues.create_queue(QueueName="told")["QueueUrl"]
        arn = self.queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": self.outputs["TopicArn"]}},
        }  # fmt: skip
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        self.queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        self._topics.subscribe(TopicArn=self.outputs["TopicArn"], Protocol="sqs", Endpoint=arn)
        return url

    def told(self) -> list[str]:
        """Returns the messages that were published to the topic since the last call."""
        found: list[str] = []
        while True:
            answer = self.queues.receive_message(QueueUrl=self._told, MaxNumberOfMessages=10)
            messages = answer.get("Messages", [])
            if not messages:
                return found
            for message in messages:
                found.append(json.loads(message["Body"])["Message"])
                self.queues.delete_message(QueueUrl=self._told, ReceiptHandle=message["ReceiptHandle"])

    def simulate(
        self, seconds_per_status: int = 1, faults: dict[str, Any] | None = None, schema: Path | None = None
    ) -> Bedrock:
        """Replaces the simulator by one without jobs. With a schema, answers keep it as those of `quarry run` do."""
        if self.bedrock:
            self.bedrock.kill()
        self.bedrock = Bedrock(self._folder, self.aws.endpoint, self._bedrock_port, seconds_per_status, faults, schema)
        return self.bedrock

    def put(self, key: str, body: bytes, bucket: str = BUCKET) -> None:
        self.s3.put_object(Bucket=bucket, Key=key, Body=body)

    def get(self, location: str) -> bytes:
        """Returns the object at `s3://bucket/key`."""
        bucket, _, key = location.removeprefix("s3://").partition("/")
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def call(self, function: str, event: dict[str, Any]) -> Any:
        """Returns a function's result for an event, or its error."""
        functions = client("lambda", self.aws.endpoint)
        answer = functions.invoke(FunctionName=f"{STACK}-{function}", Payload=json.dumps(event).encode())
        return json.load(answer["Payload"])

    def send(self, message: dict[str, Any]) -> None:
        """Sends a pipeline's message to the callback queue."""
        self.queues.send_message(QueueUrl=self._queue("CallbackQueueUrl"), MessageBody=json.dumps(message))

    def dead_letters(self) -> list[str]:
        """Returns the bodies of messages that could not be processed."""
        found = []
        for queue in ("EventDeadLettersUrl", "CallbackDeadLettersUrl"):
            answer = self.queues.receive_message(QueueUrl=self._queue(queue), MaxNumberOfMessages=10)
            found += [message["Body"] for message in answer.get("Messages", [])]
        return found

    def _queue(self, output: str) -> str:
        name = self.outputs[output].rsplit("/", 1)[1]
        return self.queues.get_queue_url(QueueName=name)["QueueUrl"]

    def runs(self) -> list[str]:
        """Returns the ARNs of the runs' executions."""
        answer = self.executions.list_executions(stateMachineArn=self.outputs["StateMachineArn"])
        return [execution["executionArn"] for execution in answer["executions"]]

    def wait_for_run(self, known: list[str], seconds: float = 60) -> str:
        """Returns the only run that is not in `known`."""
        found = wait_until("a run begins", lambda: sorted(set(self.runs()) - set(known)), seconds)
        assert isinstance(found, list)
        if len(found) != 1:
            raise AssertionError(f"expected one run, found {found}")
        return found[0]

    def wait_for_end(self, run: str, seconds: float = 180) -> dict[str, Any]:
        """Returns the run's end, as Step Functions describes it."""

        def ended() -> dict[str, Any] | None:
            found = self.executions.describe_execution(executionArn=run)
            return found if found["status"] in ENDS else None

        end = wait_until(f"run {run} ends", ended, seconds)
        assert isinstance(end, dict)
        return end

    def log_lines(self) -> list[str]:
        """Returns the lines of the stack's log group."""
        pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=self.outputs["FunctionLogsName"])
        return [event["message"].rstrip() for page in pages for event in page["events"]]

    def logged(self, function: str, message: str, run: str) -> list[dict[str, Any]]:
        """Returns a function's log lines with a message about a run."""
        own = [json.loads(line) for line in self.log_lines() if line.startswith('{"timestamp"')]
        return [
            line
            for line in own
            if line["message"] == message
            and line.get("span", {}).get("function") == function
            and run in (line.get("run"), line["span"].get("run"))
        ]

    def failure(self) -> str:
        """Returns the logs that help to understand a failed test."""
        texts = [self.aws.tail()]
        if self.bedrock:
            texts.append(self.bedrock.tail())
        try:
            texts += self.log_lines()[-60:]
        except (BotoCoreError, ClientError) as error:
            texts.append(f"no logs of functions: {error}")
        return "\n".join(texts)

    def peak_mib(self) -> dict[str, float]:
        """Returns each function's peak memory, over all its processes that still exist."""
        peaks: dict[str, float] = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                settings = (process / "environ").read_bytes().split(b"\0")
                status = (process / "status").read_text()
                program = (process / "exe").readlink().name
            except OSError:  # The process ended, or belongs to another user.
                continue
            if program != "bootstrap" or f"AWS_ENDPOINT_URL={self.aws.endpoint}".encode() not in settings:
                continue
            name = next(one.partition(b"=")[2].decode() for one in settings if one.startswith(b"AWS_LAMBDA_FUNCTION_NAME="))
            peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
            function = name.removeprefix(f"{STACK}-")
            peaks[function] = max(peak, peaks.get(function, 0))
        return peaks

    def kill(self) -> None:
        if self.bedrock:
            self.bedrock.kill()
        self.aws.kill()
        self.sagemaker.kill()
