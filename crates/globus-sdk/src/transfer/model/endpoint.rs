use globus_core::decode::{Text, Time};
use globus_core::paging::Following;
use globus_core::{EndpointId, document, page, string_enum};
use serde_json::Value;
use uuid::Uuid;

string_enum! {
    /// What kind of endpoint or collection something is.
    pub enum EntityType {
        /// A collection of Globus Connect Personal.
        GcpMappedCollection = "GCP_mapped_collection",
        /// A guest collection on Globus Connect Personal.
        GcpGuestCollection = "GCP_guest_collection",
        /// An endpoint of Globus Connect Server.
        Gcsv5Endpoint = "GCSv5_endpoint",
        /// A mapped collection of Globus Connect Server.
        Gcsv5MappedCollection = "GCSv5_mapped_collection",
        /// A guest collection of Globus Connect Server.
        Gcsv5GuestCollection = "GCSv5_guest_collection",
    }
}

// The setup key of Globus Connect Personal is a secret, so it is no field, which `Debug` would show: it stays in
// `extra`.
document! {
    /// A collection or endpoint.
    pub struct Endpoint {
        /// `endpoint`.
        pub data_type as "DATA_TYPE": Text,
        /// Its id.
        pub id: EndpointId,
        /// Its name, for people.
        pub display_name: Option<Text>,
        /// Its name in an older form, `owner#name`.
        pub canonical_name: Option<Text>,
        /// The second half of that name.
        pub name: Option<Text>,
        /// What kind it is.
        pub entity_type: EntityType,
        /// Who owns it: an identity; for collections of Globus Connect Server, their endpoint.
        pub owner_id: Option<Uuid>,
        /// The owner's name.
        pub owner_string: Option<Text>,
        /// The owner's name in an older form.
        pub username: Option<Text>,
        /// What it is, in words.
        pub description: Option<Text>,
        /// Words to find it by, with commas between them.
        pub keywords: Option<Text>,
        /// The organization that runs it.
        pub organization: Option<Text>,
        /// The department of that organization.
        pub department: Option<Text>,
        /// Where to ask about it.
        pub contact_email: Option<Text>,
        /// Other ways to ask about it.
        pub contact_info: Option<Text>,
        /// A page about it.
        pub info_link: Option<Text>,
        /// What its owner tells those who use it.
        pub user_message: Option<Text>,
        /// A page about that.
        pub user_message_link: Option<Text>,
        /// The directory that a path beginning with `/~/` is in.
        pub default_directory: Option<Text>,
        /// Whether everybody can see that it exists.
        pub public: bool,
        /// Whether it belongs to Globus Connect Personal.
        pub is_globus_connect: bool,
        /// Whether that is connected.
        pub gcp_connected: Option<bool>,
        /// Whether that is paused.
        pub gcp_paused: Option<bool>,
        /// The address of the manager of a Globus Connect Server endpoint.
        pub gcs_manager_url: Option<Text>,
        /// The version of Globus Connect Server.
        pub gcs_version: Option<Text>,
        /// The address of the data channel, `tlsftp://host:port`.
        pub tlsftp_server: Option<Text>,
        /// The address at which files can be had by HTTPS.
        pub https_server: Option<Text>,
        /// The endpoint or collection that this one is on.
        pub host_endpoint_id: Option<EndpointId>,
        /// Its name.
        pub host_endpoint_display_name: Option<Text>,
        /// The same in an older form.
        pub host_endpoint: Option<Text>,
        /// The directory of the host that this collection is.
        pub host_path: Option<Text>,
        /// The mapped collection that this guest collection is on.
        pub mapped_collection_id: Option<EndpointId>,
        /// Its name.
        pub mapped_collection_display_name: Option<Text>,
        /// Whether encryption cannot be switched off.
        pub force_encryption: bool,
        /// Whether the comparison of checksums cannot be switched off.
        pub force_verify: Option<bool>,
        /// Whether checksums cannot be compared.
        pub disable_verify: bool,
        /// Whether nobody can write without having logged in.
        pub disable_anonymous_writes: Option<bool>,
        /// Whether a second factor is needed.
        pub mfa_required: Option<bool>,
        /// Whether its data is under special protection.
        pub high_assurance: Option<bool>,
        /// How fresh a login must be, in minutes.
        pub authentication_timeout_mins: Option<u64>,
        /// The policy that logins must meet.
        pub authentication_policy_id: Option<Text>,
        /// Whether guest collections can be made on it.
        pub shareable: bool,
        /// Whether access to it can be given by rules.
        pub acl_available: bool,
        /// Whether the caller can change those rules.
        pub acl_editable: bool,
        /// For how many minutes a rule can be given at most.
        pub acl_max_expiration_period_mins: Option<u64>,
        /// After how many minutes a rule ends, in an older form.
        pub acl_expiration_mins: Option<u64>,
        /// What the caller is here: `administrator`, `access_manager` and others.
        pub my_effective_roles: Vec<Text>,
        /// The subscription that it is part of.
        pub subscription_id: Option<Uuid>,
        /// Whether that subscription's administrator has confirmed it.
        pub subscription_admin_verified: Option<bool>,
        /// How much of the network it uses: `normal`, `minimal`, `aggressive`, `custom`.
        pub network_use: Option<Text>,
        /// How many files are moved at once, at most.
        pub max_concurrency: Option<u64>,
        /// How many files are moved at once.
        pub preferred_concurrency: Option<u64>,
        /// In how many streams a file is moved, at most.
        pub max_parallelism: Option<u64>,
        /// In how many streams a file is moved.
        pub preferred_parallelism: Option<u64>,
        /// Whether it is known who a local account belongs to.
        pub local_user_info_available: Option<bool>,
        /// Whether it can no longer be used.
        pub non_functional: bool,
        /// The endpoint because of which it cannot.
        pub non_functional_endpoint_id: Option<EndpointId>,
        /// That endpoint's name.
        pub non_functional_endpoint_display_name: Option<Text>,
        /// What kind of storage is behind it.
        pub storage_type: Option<Text>,
        /// Whether tasks are using it.
        pub in_use: bool,
        /// When it was last used.
        pub last_accessed_time: Option<Time>,
        /// Whether its time is over.
        pub expired: Option<bool>,
        /// Whether it can be used without logging in to it, of old always true.
        pub activated: Option<bool>,
        /// For how many seconds that holds; -1: for good.
        pub expires_in: Option<i64>,
        /// Until when that holds.
        pub expire_time: Option<Time>,
        /// Whether it speaks both of Canada's languages.
        pub french_english_bilingual: Option<bool>,
        /// The address of its S3 storage, in an older form.
        pub s3_url: Option<Text>,
        /// Whether its owner has given the keys of that storage.
        pub s3_owner_activated: Option<bool>,
        /// Its MyProxy server, in an older form.
        pub myproxy_server: Option<Text>,
        /// The name in that server's certificate.
        pub myproxy_dn: Option<Text>,
        /// Its OAuth server, in an older form.
        pub oauth_server: Option<Text>,
        /// The endpoint that it shares, in an older form.
        pub sharing_target_endpoint: Option<Text>,
        /// The directory of that endpoint.
        pub sharing_target_root_path: Option<Text>,
        /// Its data servers, in an older form.
        pub data as "DATA": Option<Vec<Value>>,
    }
}

document! {
    /// A page of collections and endpoints.
    pub struct EndpointPage {
        /// `endpoint_list`.
        pub data_type as "DATA_TYPE": Text,
        /// The collections and endpoints.
        pub data as "DATA": Vec<Endpoint>,
        /// Whether there are more.
        pub has_next_page: Option<bool>,
        /// How many come before this page.
        pub offset: Option<u64>,
        /// How many a page has at most.
        pub limit: Option<u64>,
    }
}

page!(EndpointPage, data: Endpoint, |page| Following::has_next_page(page.has_next_page));
