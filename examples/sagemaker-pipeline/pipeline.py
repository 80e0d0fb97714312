"""A SageMaker pipeline in which Quarry labels a table and a later step uses the result.

    python pipeline.py --queue-url URL --role ARN --image URI     # creates or updates the pipeline
    python pipeline.py … --print                                  # prints its definition instead

The Callback step sends a message to Quarry's queue and waits without an instance, for days if
necessary. SageMaker continues when Quarry calls it back.
"""

import argparse

from sagemaker.processing import ProcessingInput, Processor
from sagemaker.workflow.callback_step import CallbackOutput, CallbackOutputTypeEnum, CallbackStep
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join
from sagemaker.workflow.parameters import ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.steps import ProcessingStep


def build(queue_url: str, role: str, image: str, session: PipelineSession) -> Pipeline:
    """Returns the pipeline. `image` is a container that processes the files in /opt/ml/processing/labelled."""
    data = ParameterString("InputData", default_value="s3://quarry-data/strikes/data/")
    prompts = ParameterString("PromptTemplates", default_value="s3://quarry-data/strikes/prompts/")
    schema = ParameterString("ValidationSchema", default_value="s3://quarry-data/strikes/schema.json")
    output = ParameterString("ProcessedData", default_value="s3://quarry-data/strikes/out/")
    summary = ParameterString("AnalysisSummary", default_value="s3://quarry-data/strikes/summary/")
    job_type = ParameterString(
        "JobType", default_value="calibration", enum_values=["training", "validation", "testing", "calibration"]
    )
    most_failed = ParameterInteger("MostFailedRows", default_value=100)

    label = CallbackStep(
        name="Label",
        sqs_queue_url=queue_url,
        # The names are those of the step that Quarry replaces. `processed_data`, `analysis_summary`,
        # `validation_schema` and `job_type` are optional.
        inputs={
            "input_data": data,
            "prompt_templates": prompts,
            "validation_schema": schema,
            "processed_data": output,
            "analysis_summary": summary,
            "job_type": job_type,
            # Settings (docs/settings.md) that the pipeline lets its runs change. They override its own.
            "BEDROCK_TEMPERATURE": 0.5,
            "BEDROCK_SKIP_ERROR_RECORDS": True,
            "BEDROCK_OUTPUT_COLUMN_PREFIX": "ai_",
        },
        # The outputs that Quarry returns. Later steps can use only outputs that are declared here.
        outputs=[
            CallbackOutput("processed_data", CallbackOutputTypeEnum.String),
            CallbackOutput("analysis_summary", CallbackOutputTypeEnum.String),
            CallbackOutput("rows", CallbackOutputTypeEnum.Integer),
            CallbackOutput("failed", CallbackOutputTypeEnum.Integer),
            CallbackOutput("run", CallbackOutputTypeEnum.String),
        ],
    )

    use = ProcessingStep(
        name="Use",
        step_args=Processor(
            image_uri=image, role=role, instance_count=1, instance_type="ml.m5.large", sagemaker_session=session
        ).run(
            inputs=[
                ProcessingInput(
                    source=label.properties.Outputs["processed_data"], destination="/opt/ml/processing/labelled"
                )
            ]
        ),
    )
    too_many = FailStep(
        name="TooManyFailed",
        error_message=Join(on=" ", values=[label.properties.Outputs["failed"], "rows have no answer"]),
    )
    check = ConditionStep(
        name="EnoughAnswers",
        conditions=[ConditionLessThanOrEqualTo(left=label.properties.Outputs["failed"], right=most_failed)],
        if_steps=[use],
        else_steps=[too_many],
    )
    return Pipeline(
        name="label-strikes",
        parameters=[data, prompts, schema, output, summary, job_type, most_failed],
        steps=[label, check],
        sagemaker_session=session,
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description="Creates or updates the pipeline label-strikes.")
    arguments.add_argument("--queue-url", required=True, help="the stack's output CallbackQueueUrl")
    arguments.add_argument("--role", required=True, help="ARN of the pipeline's role")
    arguments.add_argument("--image", required=True, help="container of the step that uses the result")
    arguments.add_argument("--print", action="store_true", help="print the definition only")
    given = arguments.parse_args()

    pipeline = build(given.queue_url, given.role, given.image, PipelineSession())
    if given.print:
        print(pipeline.definition())
    else:
        pipeline.upsert(role_arn=given.role)


if __name__ == "__main__":
    main()
