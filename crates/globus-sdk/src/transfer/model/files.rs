use globus_core::decode::{Text, Time};
use globus_core::{EndpointId, document, page, string_enum};

string_enum! {
    /// What an entry of a directory is.
    pub enum EntryType {
        /// A file.
        File = "file",
        /// A directory.
        Dir = "dir",
        /// A symbolic link whose target cannot be told.
        InvalidSymlink = "invalid_symlink",
        /// A character device.
        Chr = "chr",
        /// A block device.
        Blk = "blk",
        /// A named pipe.
        Pipe = "pipe",
    }
}

document! {
    /// An entry of a directory.
    pub struct FileEntry {
        /// `file`.
        pub data_type as "DATA_TYPE": Text,
        /// The last part of the path.
        pub name: Text,
        /// What it is; for a link, what it leads to.
        pub entry_type as "type": EntryType,
        /// The size in bytes.
        pub size: u64,
        /// Unix permissions, octal, such as `0644`.
        pub permissions: Option<Text>,
        /// The owner's name on the collection.
        pub user: Option<Text>,
        /// The group's name on the collection.
        pub group: Option<Text>,
        /// When it was last changed.
        pub last_modified: Option<Time>,
        /// Where a link leads.
        pub link_target: Option<Text>,
        /// The size of the link itself.
        pub link_size: Option<u64>,
        /// The owner of the link itself.
        pub link_user: Option<Text>,
        /// The group of the link itself.
        pub link_group: Option<Text>,
        /// When the link itself was last changed.
        pub link_last_modified: Option<Time>,
    }
}

document! {
    /// The entries of a directory.
    pub struct FileList {
        /// `file_list`.
        pub data_type as "DATA_TYPE": Text,
        /// The entries.
        pub data as "DATA": Vec<FileEntry>,
        /// The collection.
        pub endpoint: Option<EndpointId>,
        /// The directory, with `/` at its end.
        pub path: Option<Text>,
        /// The directory as the collection resolved it.
        pub absolute_path: Option<Text>,
        /// How many entries are listed here.
        pub length: Option<u64>,
        /// How many entries there are.
        pub total: Option<u64>,
        /// How many entries were left out at the beginning.
        pub offset: Option<u64>,
        /// The most entries that were to be listed.
        pub limit: Option<u64>,
    }
}

page!(FileList, data: FileEntry);
