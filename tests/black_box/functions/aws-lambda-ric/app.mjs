// Functions as written for AWS; their runtime is AWS's own, unmodified.

export const handler = async (event, context) => {
    if (event.queryStringParameters?.do === "throw") {
        throw new Error("on purpose");
    }
    console.log("printed");
    const about = {
        arn: context.invokedFunctionArn,
        body: event.body,
        memory: context.memoryLimitInMB,
        path: event.path,
        remaining: context.getRemainingTimeInMillis(),
        request_id: context.awsRequestId,
    };
    return { statusCode: 200, headers: { "X-Answer": "yes" }, body: JSON.stringify(about) };
};

export const streaming = awslambda.streamifyResponse(async (event, stream) => {
    const metadata = { statusCode: 203, headers: { "X-Answer": "yes" }, cookies: ["a=1", "b=2"] };
    const out = awslambda.HttpResponseStream.from(stream, metadata);
    out.write("first ");
    if (event.queryStringParameters?.do === "throw") {
        await new Promise((resolve) => setTimeout(resolve, 100));
        throw new Error("on purpose");
    }
    for (let number = 0; number < 100; number++) {
        out.write("x".repeat(10_000));
    }
    out.end(" last");
});
