use uuid::Uuid;

use crate::operation::operation;
use crate::transfer::{Endpoint, TransferClient};

operation! {
    /// Describes a collection or endpoint.
    TransferClient.get_endpoint(endpoint_id: Uuid) -> GetEndpoint;
    GET "/v0.10/endpoint/{endpoint_id}" => Endpoint;
}
