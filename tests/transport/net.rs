//! Servers and clients over real sockets.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tower::{BoxError, Service};

use super::{Arrived, arrive};

/// A server that goes when the test is done with it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Plain hyper, HTTP/1.1 and HTTP/2, with upgrades.
pub(crate) async fn hyper<S, B>(service: S) -> Server
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                // A client that hangs up is no failure of the test.
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection_with_upgrades(TokioIo::new(connection), service)
                    .await;
            });
        }
    });
    Server { address, task }
}

pub(crate) async fn axum(router: axum::Router) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Server { address, task }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

pub(crate) const PROTOCOLS: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

/// One connection to a server.
pub(crate) enum Client {
    Http1(http1::SendRequest<String>),
    Http2(http2::SendRequest<String>),
}

impl Client {
    pub(crate) async fn connect(server: &Server, protocol: Protocol) -> Self {
        let io = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
        match protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::handshake(io).await.unwrap();
                tokio::spawn(connection.with_upgrades());
                Self::Http1(sender)
            }
            Protocol::Http2 => {
                let (sender, connection) =
                    http2::handshake(TokioExecutor::new(), io).await.unwrap();
                tokio::spawn(connection);
                Self::Http2(sender)
            }
        }
    }

    /// The head of the answer, and its body as it comes.
    pub(crate) async fn begin(&mut self, mut request: Request<String>) -> Response<Incoming> {
        match self {
            Self::Http1(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(request).await.unwrap()
            }
            Self::Http2(sender) => {
                // Over HTTP/2 the host is a part of the address.
                let host = request.headers_mut().remove("host").unwrap();
                let uri = format!("http://{}{}", host.to_str().unwrap(), request.uri());
                *request.uri_mut() = uri.parse().unwrap();
                sender.ready().await.unwrap();
                sender.send_request(request).await.unwrap()
            }
        }
    }

    pub(crate) async fn send(&mut self, request: Request<String>) -> Arrived {
        let answer = async { arrive(self.begin(request).await).await };
        within(answer).await
    }
}

/// Nothing in these tests takes long: what hangs is a failure.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it hangs")
}

/// What comes until all that came ends with this.
pub(crate) async fn read_until(body: &mut Incoming, end: &[u8]) -> Vec<u8> {
    let mut came = Vec::new();
    while !came.ends_with(end) {
        let frame = within(body.frame()).await.expect("more").unwrap();
        came.extend_from_slice(&frame.into_data().unwrap());
    }
    came
}

/// Writes these bytes to the server, and reads until it closes.
pub(crate) async fn raw(server: &Server, request: &str) -> Bytes {
    let mut connection = TcpStream::connect(server.address).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    within(connection.read_to_end(&mut answer)).await.unwrap();
    answer.into()
}
