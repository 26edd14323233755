//! Endpoints: how one is written down.

use std::{marker::PhantomData, sync::Arc};

use futures_util::future::BoxFuture;
use http::Method;
use posthaste_admin::AdminError;
use posthaste_core::Scope;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Door, ListQuery, NoBody, answer,
    asked::Asked,
    input::{self, Body, Json},
    listing,
};

/// A method and a path, who may come, what is taken and answered, and the work.
pub(super) struct Endpoint {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) door: Door,
    pub(super) summary: &'static str,
    pub(super) query: Option<Describe>,
    pub(super) body: Describe,
    /// Whether the body may be left out.
    pub(super) bodiless: bool,
    /// Whether the work reads the body itself, of whatever type it is and beyond what others may be large.
    pub(super) unread: bool,
    pub(super) answer: Describe,
    /// Whether it answers a table for spreadsheets in place of JSON.
    pub(super) table: bool,
    /// Whether it answers with a stream of events.
    pub(super) streams: bool,
    /// Whether it sends the browser on.
    pub(super) redirects: bool,
    pub(super) work: Work,
}

/// Adds a type's schema to a document.
pub(super) type Describe = fn(&mut SchemaGenerator) -> Option<Schema>;

pub(super) type Work =
    Arc<dyn Fn(Asked) -> BoxFuture<'static, Result<axum::response::Response, AdminError>> + Send + Sync>;

/// An endpoint whose work is not told yet.
pub(super) struct Draft<Q = (), B = NoBody> {
    method: Method,
    path: &'static str,
    door: Door,
    summary: &'static str,
    inputs: PhantomData<fn() -> (Q, B)>,
}

/// What looks.
pub(super) fn get(path: &'static str, summary: &'static str) -> Draft {
    draft(Method::GET, path, summary)
}

/// What makes something, or has it done.
pub(super) fn post(path: &'static str, summary: &'static str) -> Draft {
    draft(Method::POST, path, summary)
}

/// What changes something.
pub(super) fn put(path: &'static str, summary: &'static str) -> Draft {
    draft(Method::PUT, path, summary)
}

/// What removes something.
pub(super) fn delete(path: &'static str, summary: &'static str) -> Draft {
    draft(Method::DELETE, path, summary)
}

fn draft(method: Method, path: &'static str, summary: &'static str) -> Draft {
    // Nobody, until it is said who.
    Draft { method, path, door: Door::Person, summary, inputs: PhantomData }
}

impl<Q, B> Draft<Q, B> {
    /// Whoever may do this may come.
    pub(super) fn needs(self, need: Scope) -> Self {
        Self { door: Door::Needs(need), ..self }
    }

    /// Whoever has logged in may come.
    pub(super) fn person(self) -> Self {
        Self { door: Door::Person, ..self }
    }

    /// Whoever is known may come, and is let do what the piece of work asks for.
    pub(super) fn known(self) -> Self {
        Self { door: Door::Known, ..self }
    }

    /// Whoever presents a client key may come.
    pub(super) fn client_key(self) -> Self {
        Self { door: Door::ClientKey, ..self }
    }

    /// Everybody may come.
    pub(super) fn open(self) -> Self {
        Self { door: Door::Open, ..self }
    }

    /// It takes this in the body.
    pub(super) fn body<T>(self) -> Draft<Q, Json<T>> {
        let Self { method, path, door, summary, .. } = self;
        Draft { method, path, door, summary, inputs: PhantomData }
    }
}

impl<B: Body> Draft<(), B> {
    /// What it answers.
    pub(super) fn answers<T, F>(self, work: impl Fn(Asked, B) -> F + Send + Sync + Copy + 'static) -> Endpoint
    where
        T: Serialize + JsonSchema,
        F: Future<Output = Result<T, AdminError>> + Send + 'static,
    {
        let run: Work = Arc::new(move |asked: Asked| {
            Box::pin(async move {
                let body = B::read(&asked)?;
                answer::done(&work(asked, body).await?)
            })
        });
        self.finish::<T>(None, run)
    }

    /// What it answers as a stream of events, which are of this type where they are the admin API's own.
    pub(super) fn streams<T, F>(self, work: impl Fn(Asked, B) -> F + Send + Sync + Copy + 'static) -> Endpoint
    where
        T: JsonSchema,
        F: Future<Output = Result<axum::response::Response, AdminError>> + Send + 'static,
    {
        let run: Work = Arc::new(move |asked: Asked| {
            Box::pin(async move {
                let body = B::read(&asked)?;
                work(asked, body).await
            })
        });
        Endpoint { streams: true, ..self.finish::<T>(None, run) }
    }

    /// What it answers to a question in the query.
    pub(super) fn answers_query<Q, T, F>(
        self,
        work: impl Fn(Asked, Q, B) -> F + Send + Sync + Copy + 'static,
    ) -> Endpoint
    where
        Q: DeserializeOwned + JsonSchema + Send,
        T: Serialize + JsonSchema,
        F: Future<Output = Result<T, AdminError>> + Send + 'static,
    {
        let run: Work = Arc::new(move |asked: Asked| {
            Box::pin(async move {
                let body = B::read(&asked)?;
                let query = input::query(&asked)?;
                answer::done(&work(asked, query, body).await?)
            })
        });
        self.finish::<T>(Some(|generator| Some(generator.root_schema_for::<Q>())), run)
    }

    /// What it answers as a stream of events to a question in the query.
    pub(super) fn streams_query<Q, T, F>(
        self,
        work: impl Fn(Asked, Q) -> F + Send + Sync + Copy + 'static,
    ) -> Endpoint
    where
        Q: DeserializeOwned + JsonSchema + Send,
        T: JsonSchema,
        F: Future<Output = Result<axum::response::Response, AdminError>> + Send + 'static,
    {
        let run: Work = Arc::new(move |asked: Asked| {
            Box::pin(async move {
                B::read(&asked)?;
                let query = input::query(&asked)?;
                work(asked, query).await
            })
        });
        let describe: Describe = |generator| Some(generator.root_schema_for::<Q>());
        Endpoint { streams: true, ..self.finish::<T>(Some(describe), run) }
    }

    /// What it answers to a body of any type and size, which the work reads from [`Asked::unread`].
    pub(super) fn reads<T, F>(self, work: impl Fn(Asked) -> F + Send + Sync + Copy + 'static) -> Endpoint
    where
        T: Serialize + JsonSchema,
        F: Future<Output = Result<T, AdminError>> + Send + 'static,
    {
        let run: Work =
            Arc::new(move |asked: Asked| Box::pin(async move { answer::done(&work(asked).await?) }));
        Endpoint { unread: true, ..self.finish::<T>(None, run) }
    }

    /// The list that it answers, page by page.
    pub(super) fn lists<T, F>(self, work: impl Fn(Asked) -> F + Send + Sync + Copy + 'static) -> Endpoint
    where
        T: Serialize + JsonSchema + Send,
        F: Future<Output = Result<Vec<T>, AdminError>> + Send + 'static,
    {
        self.answers_query(move |asked: Asked, query: ListQuery, _| async move {
            listing::page(work(asked).await?, &query)
        })
    }

    /// A document that is answered as it is.
    pub(super) fn document(self, make: fn(&Asked) -> Value) -> Endpoint {
        let run: Work = Arc::new(move |asked: Asked| {
            Box::pin(async move {
                Ok(answer::json_response(http::StatusCode::OK, make(&asked).to_string().into_bytes()))
            })
        });
        Endpoint { answer: |_| None, ..self.finish::<Value>(None, run) }
    }

    /// A table for spreadsheets, as a file of this name, to a question in the query.
    pub(super) fn table<Q, F>(
        self,
        name: &'static str,
        work: impl Fn(Asked, Q) -> F + Send + Sync + Copy + 'static,
    ) -> Endpoint
    where
        Q: DeserializeOwned + JsonSchema + Send,
        F: Future<Output = Result<String, AdminError>> + Send + 'static,
    {
        let run: Work = Arc::new(move |asked: Asked| {
            Box::pin(async move {
                B::read(&asked)?;
                let query = input::query(&asked)?;
                answer::table(name, work(asked, query).await?)
            })
        });
        let describe: Describe = |generator| Some(generator.root_schema_for::<Q>());
        Endpoint { table: true, ..self.finish::<String>(Some(describe), run) }
    }

    /// Where it sends a browser on to, with a question in the query.
    pub(super) fn redirects<Q, F>(
        self,
        work: impl Fn(Asked, Q) -> F + Send + Sync + Copy + 'static,
    ) -> Endpoint
    where
        Q: DeserializeOwned + JsonSchema + Send,
        F: Future<Output = Result<String, AdminError>> + Send + 'static,
    {
        let run: Work = Arc::new(move |asked: Asked| {
            Box::pin(async move {
                B::read(&asked)?;
                let query = input::query(&asked)?;
                answer::redirect(&work(asked, query).await?)
            })
        });
        let describe: Describe = |generator| Some(generator.root_schema_for::<Q>());
        Endpoint { redirects: true, ..self.finish::<String>(Some(describe), run) }
    }

    fn finish<T: JsonSchema>(self, query: Option<Describe>, work: Work) -> Endpoint {
        let Self { method, path, door, summary, .. } = self;
        let answer: Describe = |generator| Some(generator.subschema_for::<T>());
        let (unread, table, streams, redirects) = (false, false, false, false);
        let (body, bodiless) = (B::schema as Describe, B::is_optional());
        Endpoint {
            method,
            path,
            door,
            summary,
            query,
            body,
            bodiless,
            unread,
            answer,
            table,
            streams,
            redirects,
            work,
        }
    }
}
