//! Recognises files that are not UTF-8 text by their first bytes, whatever their names say.

/// A kind of file, and what to do about it.
pub(crate) struct Signature {
    bytes: &'static [u8],
    /// What the file is.
    pub(crate) what: &'static str,
    /// The remedy.
    pub(crate) remedy: &'static str,
}

const UTF_16: &str = "save the file as UTF-8";
const UNPACK: &str = "unpack the file, or compress it with gzip and add .gz to its name";

const SIGNATURES: [Signature; 8] = [
    Signature {
        bytes: b"\x1f\x8b",
        what: "compressed with gzip",
        remedy: "add .gz to the file's name",
    },
    Signature {
        bytes: b"PAR1\x15",
        what: "Parquet",
        remedy: "name the file .parquet",
    },
    Signature {
        bytes: b"PK\x03\x04",
        what: "a ZIP archive, as Excel workbooks are",
        remedy: "export the table as UTF-8 text, or unpack the archive",
    },
    Signature {
        bytes: b"\xd0\xcf\x11\xe0",
        what: "a document of an older Office program",
        remedy: "export the table as UTF-8 text",
    },
    Signature {
        bytes: b"\xff\xfe",
        what: "text in UTF-16",
        remedy: UTF_16,
    },
    Signature {
        bytes: b"\xfe\xff",
        what: "text in UTF-16",
        remedy: UTF_16,
    },
    Signature {
        bytes: b"\x28\xb5\x2f\xfd",
        what: "compressed with zstd",
        remedy: UNPACK,
    },
    Signature {
        bytes: b"\xfd7zXZ",
        what: "compressed with xz",
        remedy: UNPACK,
    },
];

/// The kind of a file according to its first bytes.
pub(crate) enum Start {
    /// More bytes are needed.
    Open,
    /// It is text, as far as these bytes show.
    Text,
    /// It is something else.
    Other(&'static Signature),
}

/// Classifies a file by its first bytes. `ended` means that there are no more.
pub(crate) fn look(bytes: &[u8], ended: bool) -> Start {
    let mut open = false;
    for signature in &SIGNATURES {
        if bytes.starts_with(signature.bytes) {
            return Start::Other(signature);
        }
        open |= signature.bytes.starts_with(bytes);
    }
    if open && !ended {
        Start::Open
    } else {
        Start::Text
    }
}
