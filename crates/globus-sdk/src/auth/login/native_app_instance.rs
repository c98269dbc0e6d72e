use globus_core::{BaseClient, Call, ClientSecret, Error, Result};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::requests::send_secret;

use crate::operation::call_options;

/// A client that was made for one installation of a native app. Keep both parts: the secret is told once.
///
/// From here on the installation logs in as a
/// [`ConfidentialAppAuthClient`](crate::ConfidentialAppAuthClient) of its own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NativeAppInstance {
    /// The new client's id, a UUID.
    pub client_id: String,
    /// The new client's secret.
    pub client_secret: ClientSecret,
    /// The new client's name.
    pub name: Option<String>,
}

/// A request for a client of an installation's own, under construction. From
/// [`NativeAppAuthClient::create_native_app_instance`](crate::NativeAppAuthClient::create_native_app_instance).
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct CreateNativeAppInstance {
    call: Call,
}

call_options!(CreateNativeAppInstance);

impl CreateNativeAppInstance {
    pub(super) fn new(client: &BaseClient, template_id: Uuid, name: &str) -> Self {
        let document = json!({"client": {"name": name, "template_id": template_id}});
        Self { call: client.request(Method::POST, "/v2/api/clients").json(&document) }
    }

    /// Sends the request. It is not sent again once it may have been processed: each makes another client.
    ///
    /// # Errors
    ///
    /// The service's refusal, the failure to reach it, or an answer that holds no id and secret.
    pub async fn send(self) -> Result<NativeAppInstance> {
        // The answer is read here and dropped: it holds the secret.
        let answer = send_secret(self.call).await?.value();
        read(&answer).ok_or_else(|| {
            Error::other("the answer holds no id and secret of a new client; report it to the service", None)
        })
    }
}

/// The credential stands beside the client, or with it in one more object.
fn read(answer: &Value) -> Option<NativeAppInstance> {
    let home = if answer.get("included").is_some() { answer } else { &answer["client"] };
    let credential = &home["included"]["client_credential"];
    let client = &home["client"];
    let id = client["id"].as_str().or_else(|| credential["client"].as_str())?;
    Some(NativeAppInstance {
        client_id: id.to_owned(),
        client_secret: credential["secret"].as_str().filter(|secret| !secret.is_empty())?.into(),
        name: client["name"].as_str().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_of_the_answer_are_read() {
        let beside = json!({
            "client": {"id": "c1", "name": "n"},
            "included": {"client_credential": {"client": "c1", "secret": "AgSecret"}},
        });
        for answer in [beside.clone(), json!({"client": beside})] {
            let instance = read(&answer).unwrap();
            assert_eq!((instance.client_id.as_str(), instance.client_secret.expose()), ("c1", "AgSecret"));
            assert_eq!(instance.name.as_deref(), Some("n"));
            assert!(!format!("{instance:?}").contains("AgSecret"));
        }
    }

    #[test]
    fn an_answer_without_a_secret_is_none() {
        for answer in [
            json!({}),
            json!({"client": {"id": "c1"}}),
            json!({"client": {"id": "c1"}, "included": {"client_credential": {"secret": null}}}),
        ] {
            assert!(read(&answer).is_none(), "{answer}");
        }
    }
}
