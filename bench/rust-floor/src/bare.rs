//! Forwarding and nothing else: no key, no look at the body.

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::{Request, StatusCode, Uri};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

use crate::{Answer, connector, plain};

pub(crate) struct Proxy {
    upstream: String,
    client: Client<HttpConnector, Incoming>,
}

impl Proxy {
    pub(crate) fn new(upstream: &str) -> Self {
        Self {
            upstream: upstream.to_owned(),
            client: Client::builder(TokioExecutor::new()).build(connector()),
        }
    }

    pub(crate) async fn handle(&self, mut request: Request<Incoming>) -> Result<Answer, hyper::Error> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let Ok(uri) = format!("http://{}{path}", self.upstream).parse::<Uri>() else {
            return Ok(plain(StatusCode::BAD_REQUEST, "bad path"));
        };
        *request.uri_mut() = uri;
        request.headers_mut().remove("host");
        request.headers_mut().remove("connection");
        match self.client.request(request).await {
            Ok(mut answer) => {
                answer.headers_mut().remove("connection");
                Ok(answer.map(|body| body.boxed()))
            }
            Err(error) => Ok(plain(StatusCode::BAD_GATEWAY, error.to_string())),
        }
    }
}
