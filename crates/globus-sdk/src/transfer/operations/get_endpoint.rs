use globus_core::EndpointId;
use crate::operation::operation;
use crate::transfer::{Endpoint, TransferClient};

operation! {
    /// Describes a collection or endpoint.
    TransferClient.get_endpoint(endpoint_id: EndpointId) -> GetEndpoint;
    GET "/v0.10/endpoint/{endpoint_id}" => Endpoint;
}
