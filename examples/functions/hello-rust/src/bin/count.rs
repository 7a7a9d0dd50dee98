//! Counts, and tells each number as soon as it has come to it: a stream of server-sent events.

use std::time::Duration;

use aws_lambda_events::event::apigw::ApiGatewayProxyRequest;
use lambda_runtime::streaming::{Body, Response, channel};
use lambda_runtime::{Error, LambdaEvent, MetadataPrelude, run, service_fn};

const PAUSE: Duration = Duration::from_millis(200);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(count)).await
}

async fn count(event: LambdaEvent<ApiGatewayProxyRequest>) -> Result<Response<Body>, Error> {
    let query = &event.payload.query_string_parameters;
    let end: u32 = query.first("to").unwrap_or("5").parse()?;
    let mut metadata_prelude = MetadataPrelude::default();
    metadata_prelude.headers.insert("content-type", "text/event-stream".parse()?);
    let (mut sender, stream) = channel();
    tokio::spawn(async move {
        for number in 1..=end {
            // Whoever has stopped listening is told no more.
            if sender.send_data(format!("data: {number}\n\n").into()).await.is_err() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    Ok(Response { metadata_prelude, stream })
}
