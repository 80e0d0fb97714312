"""The servers that replace AWS. Only the Bedrock simulator is part of Quarry."""

import http.server
import json
import threading
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from processes import LOOPBACK, REGION, Process, environment, free_ports, is_listening, wait_until
from release import EMULATORS, QUARRY


def client(service: str, endpoint: str):
    """Returns an AWS client for an endpoint on this machine."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(connect_timeout=5, read_timeout=60, retries={"max_attempts": 2}, s3={"addressing_style": "path"}),
    )


class SeaweedFs(Process):
    """An S3 server."""

    def __init__(self, folder: Path) -> None:
        data = folder / "seaweedfs"
        data.mkdir()
        keys = folder / "seaweedfs.json"
        identity = {"name": "test", "credentials": [{"accessKey": "test", "secretKey": "test"}], "actions": ["Admin"]}
        keys.write_text(json.dumps({"identities": [identity]}), encoding="utf-8")
        names = ["master", "volume", "filer", "s3"]
        names += [f"{name}.port.grpc" for name in names]
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        arguments: list[object] = ["server", "-ip", LOOPBACK, "-ip.bind", LOOPBACK, "-dir", data, "-filer", "-s3", "-s3.config", keys]
        for name, port in ports.items():
            arguments += [f"-{name}" if name.endswith("grpc") else f"-{name}.port", port]
        # Other protocols, which would occupy ports.
        arguments += ["-s3.port.iceberg", 0, "-s3.port.lance", 0]
        super().__init__("seaweedfs", [EMULATORS / "weed", *arguments], environment(), folder)
        self.endpoint = f"http://{LOOPBACK}:{ports['s3']}"
        self.wait_until(self._takes_objects)

    def _takes_objects(self) -> bool:
        """Whether the volumes are ready, which happens some seconds after the port opens."""
        s3 = client("s3", self.endpoint)
        try:
            if "is-ready" not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
                s3.create_bucket(Bucket="is-ready")
            s3.put_object(Bucket="is-ready", Key="object", Body=b"1")
        except (BotoCoreError, ClientError):
            return False
        return True


class Ministack(Process):
    """An emulator of AWS: CloudFormation, S3, EventBridge, SQS, Lambda, Step Functions and more."""

    def __init__(self, folder: Path, port: int, **variables: str) -> None:
        self.endpoint = f"http://{LOOPBACK}:{port}"
        settings = environment(
            BIND_HOST=LOOPBACK,  # By default it would listen on all interfaces.
            GATEWAY_PORT=str(port),
            AWS_ENDPOINT_URL=self.endpoint,
            MINISTACK_REGION=REGION,
            IOT_MTLS_ENABLED="0",
            SFTP_ENABLED="0",
            TMPDIR=str(folder),
            **variables,
        )
        super().__init__("ministack", [EMULATORS / "python", Path(__file__).with_name("ministack_extended.py")], settings, folder)
        self.wait_until(lambda: is_listening(port))


class Bedrock(Process):
    """Quarry's simulator of Bedrock, as a process, in real time."""

    def __init__(
        self,
        folder: Path,
        s3: str,
        port: int,
        seconds_per_status: int = 1,
        faults: dict[str, object] | None = None,
        schema: Path | None = None,
    ) -> None:
        self.endpoint = f"http://{LOOPBACK}:{port}"
        command: list[object] = [
            QUARRY, "simulate-bedrock", "--s3", s3, "--listen", f"{LOOPBACK}:{port}",
            "--seconds-per-status", seconds_per_status,
        ]  # fmt: skip
        if faults is not None:
            file = folder / "faults.json"
            file.write_text(json.dumps(faults), encoding="utf-8")
            command += ["--faults", file]
        if schema:
            command += ["--schema", schema]
        super().__init__("bedrock", command, environment(), folder)
        self.wait_until(lambda: is_listening(port))

    def jobs(self) -> list[dict]:
        """Returns the jobs that were created, the oldest first."""
        listed = client("bedrock", self.endpoint).list_model_invocation_jobs(maxResults=100, sortOrder="Ascending")
        return listed["invocationJobSummaries"]


class SageMaker:
    """Accepts the callbacks of Callback steps and keeps them. Implements nothing else of the service."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, dict]] = []
        answers = self.answers

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answers.append((self.headers["X-Amz-Target"].removeprefix("SageMaker."), body))
                answer = json.dumps({"PipelineExecutionArn": "arn"}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://{LOOPBACK}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answers_to(self, token: str) -> list[tuple[str, dict]]:
        """Returns the operations that were called with a token, and their bodies."""
        return [answer for answer in self.answers if answer[1]["CallbackToken"] == token]

    def wait_for(self, token: str, seconds: float = 60) -> tuple[str, dict]:
        """Returns the first callback with a token."""
        wait_until(f"the step with token {token} is called back", lambda: self.answers_to(token), seconds)
        return self.answers_to(token)[0]

    def kill(self) -> None:
        self._server.shutdown()
        self._server.server_close()
