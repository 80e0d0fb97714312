"""Finds the project's files and reads the deployment's template."""

import copy
import functools
import json
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from samtranslator.translator.transform import transform

ROOT = Path(__file__).resolve().parents[2]

# The values of references in the resolved template.
ACCOUNT = "123456789012"
SAMPLES = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::AccountId": ACCOUNT,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "quarry",
    "BucketName": "bucket",
    "MaxRows": 10_000_000,
    "MaxDataBytes": 107_374_182_400,
    "MaxCost": "250",
    "PriceIn": "1.1",
    "PriceOut": "5.5",
    "RedriveHours": 24,
    "KmsKeyArn": f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/own",
    "ReadableArns": ["arn:aws:s3:::tables", "arn:aws:s3:::tables/*"],
    "WritableArns": ["arn:aws:s3:::outputs", "arn:aws:s3:::outputs/*"],
    "DataKeyArns": [f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/theirs"],
    "ModelArns": ["arn:aws:bedrock:eu-central-1::foundation-model/a.model"],
    "ProfileArns": [f"arn:aws:bedrock:eu-central-1:{ACCOUNT}:inference-profile/eu.a.model"],
    "PipelineRoleArns": [f"arn:aws:iam::{ACCOUNT}:role/pipeline"],
    "StateMachine": f"arn:aws:states:eu-central-1:{ACCOUNT}:stateMachine:quarry",
    "StateMachine.Name": "quarry",
    "FunctionLogs.Arn": f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:/aws/lambda/quarry:*",
}
NO_VALUE = object()


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


@functools.cache
def _parsed(name: str) -> dict[str, Any]:
    return yaml.load((ROOT / "infra" / name).read_text(encoding="utf-8"), _Loader)


def load(name: str = "template.yaml") -> dict[str, Any]:
    """Returns a template of infra with its intrinsic functions in long form, as a copy that may be changed."""
    return copy.deepcopy(_parsed(name))


class _NoManagedPolicies:
    """SAM looks up AWS's own policies by name; the template uses none."""

    def load(self) -> dict[str, str]:
        return {}


def transformed(document: dict[str, Any]) -> dict[str, Any]:
    """Returns the template as SAM transforms it for CloudFormation."""
    os.environ.setdefault("AWS_DEFAULT_REGION", SAMPLES["AWS::Region"])
    # SAM warns about metrics that it would send inside AWS.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    document = copy.deepcopy(document)
    for resource in document["Resources"].values():
        # `sam deploy` uploads local files first, and SAM accepts only their locations in S3.
        for place in {"CodeUri", "DefinitionUri"} & set(resource.get("Properties", {})):
            resource["Properties"][place] = "s3://bucket/key"
    return transform(document, {}, _NoManagedPolicies())


def state_machine() -> str:
    """Returns the text of the state machine's definition."""
    return (ROOT / "statemachine.asl.json").read_text(encoding="utf-8")


def resolve(value: Any, optional: bool = True, values: Mapping[str, Any] = SAMPLES) -> Any:
    """Returns `value` with values instead of references, by default samples. `optional` says whether all conditions hold."""

    def within(part: Any) -> Any:
        return resolve(part, optional, values)

    if isinstance(value, list):
        items = map(within, value)
        return [item for item in items if item is not NO_VALUE]
    if not isinstance(value, dict):
        return value
    match list(value.items()):
        case [("Ref", "AWS::NoValue")]:
            return NO_VALUE
        case [("Ref", name)]:
            return values.get(name, f"<{name}>")
        case [("Fn::GetAtt", parts)]:
            name = ".".join(parts)
            return values.get(name, f"<{name}>")
        case [("Fn::Sub", str() as text)]:
            return re.sub(r"\$\{([^}]+)\}", lambda found: str(values.get(found[1], f"<{found[1]}>")), text)
        case [("Fn::Sub", [text, own])]:
            return resolve({"Fn::Sub": text}, optional, {**values, **within(own)})
        case [("Fn::Join", [separator, parts])]:
            return separator.join(within(parts))
        case [("Fn::Split", [separator, text])]:
            return within(text).split(separator)
        case [("Fn::Select", [index, parts])]:
            return within(parts)[index]
        case [("Fn::If", [_, yes, no])]:
            return within(yes if optional else no)
    resolved = {key: within(item) for key, item in value.items()}
    return {key: item for key, item in resolved.items() if item is not NO_VALUE}


def listed(value: Any) -> list[Any]:
    """Returns a policy's value, which may be one or several, as a list."""
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class Statement:
    """One action on one resource that a role allows."""

    role: str
    sid: str
    action: str
    resource: str
    condition: str

    def __str__(self) -> str:
        return f"{self.role} ({self.sid}): {self.action} on {self.resource}"


class Template:
    """Gives access to the template's resources by their kind."""

    def __init__(self, document: dict[str, Any] | None = None) -> None:
        self.document = load() if document is None else document
        self.resources: dict[str, dict[str, Any]] = self.document["Resources"]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Returns the properties of all resources of a type, by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def functions(self) -> dict[str, dict[str, Any]]:
        """Returns the properties of the functions, including the shared ones, by the names of their folders."""
        shared = self.document["Globals"]["Function"]
        functions = {}
        for logical_id, properties in self.of_type("AWS::Serverless::Function").items():
            variables = shared["Environment"]["Variables"] | properties.get("Environment", {}).get("Variables", {})
            functions[self._folder(logical_id)] = shared | properties | {"Environment": {"Variables": variables}}
        return functions

    def _folder(self, logical_id: str) -> str:
        """Returns the name of a function's folder, from that of its binary."""
        binary = self.resources[logical_id]["Metadata"]["BuildProperties"]["Binary"]
        return binary.removeprefix("quarry-")

    def logical_id(self, function: str) -> str:
        """Returns the logical id of a function."""
        for logical_id in self.of_type("AWS::Serverless::Function"):
            if self._folder(logical_id) == function:
                return logical_id
        raise KeyError(function)

    def role_of(self, function: str) -> str:
        """Returns the logical id of a function's role."""
        return self.functions()[function]["Role"]["Fn::GetAtt"][0]

    def statements(self, role: str, optional: bool = True) -> list[Statement]:
        """Returns what a role allows, with one statement for each action and resource."""
        properties = self.resources[role]["Properties"]
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        for reference in properties.get("ManagedPolicyArns", []):
            if "Fn::If" in reference:
                reference = reference["Fn::If"][1 if optional else 2]
            if reference != {"Ref": "AWS::NoValue"}:
                documents.append(self.resources[reference["Ref"]]["Properties"]["PolicyDocument"])
        return self._statements(role, documents, optional)

    def statements_of_policy(self, policy: str, optional: bool = True) -> list[Statement]:
        """Returns everything that a managed policy allows, with one statement for each action and resource."""
        return self._statements(policy, [self.resources[policy]["Properties"]["PolicyDocument"]], optional)

    @staticmethod
    def _statements(name: str, documents: list[dict[str, Any]], optional: bool) -> list[Statement]:
        found = []
        for document in documents:
            for statement in resolve(document["Statement"], optional):
                for action in listed(statement["Action"]):
                    for resource in listed(statement["Resource"]):
                        condition = json.dumps(statement.get("Condition", {}), sort_keys=True)
                        found.append(Statement(name, statement["Sid"], action, resource, condition))
        return found


@functools.cache
def matches(pattern: str, text: str) -> bool:
    """Whether `text` matches `pattern` by the rules of IAM."""
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None
