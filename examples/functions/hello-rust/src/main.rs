//! Greets whoever asks. Nothing here knows Tidegate: it is a function as AWS Lambda runs it.

use aws_lambda_events::event::apigw::{ApiGatewayProxyRequest, ApiGatewayProxyResponse};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(hello)).await
}

async fn hello(event: LambdaEvent<ApiGatewayProxyRequest>) -> Result<ApiGatewayProxyResponse, Error> {
    let query = &event.payload.query_string_parameters;
    let name = query.first("name").unwrap_or("world");
    let body = json!({"message": format!("Hello, {name}!"), "from": event.context.env_config.function_name});
    let mut response = ApiGatewayProxyResponse::default();
    response.status_code = 200;
    response.headers.insert("content-type", "application/json".parse()?);
    response.body = Some(body.to_string().into());
    Ok(response)
}
