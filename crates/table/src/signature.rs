//! Recognises files that are not UTF-8 text by their first bytes, whatever their names say.

/// A kind of file, and what to do about it.
pub(crate) struct OtherKind {
    /// What the file is.
    pub(crate) what: &'static str,
    /// The remedy.
    pub(crate) remedy: &'static str,
}

/// How the files of a kind begin.
struct Signature {
    bytes: &'static [u8],
    kind: OtherKind,
}

const UTF_16: OtherKind = OtherKind {
    what: "text in UTF-16",
    remedy: "save the file as UTF-8",
};
const UNPACK: &str = "unpack the file, or compress it with gzip and add .gz to its name";

const SIGNATURES: [Signature; 8] = [
    Signature {
        bytes: b"\x1f\x8b",
        kind: OtherKind {
            what: "compressed with gzip",
            remedy: "add .gz to the file's name",
        },
    },
    Signature {
        bytes: b"PAR1\x15",
        kind: OtherKind {
            what: "Parquet",
            remedy: "name the file .parquet",
        },
    },
    Signature {
        bytes: b"PK\x03\x04",
        kind: OtherKind {
            what: "a ZIP archive, as Excel workbooks are",
            remedy: "export the table as UTF-8 text, or unpack the archive",
        },
    },
    Signature {
        bytes: b"\xd0\xcf\x11\xe0",
        kind: OtherKind {
            what: "a document of an older Office program",
            remedy: "export the table as UTF-8 text",
        },
    },
    Signature {
        bytes: b"\xff\xfe",
        kind: UTF_16,
    },
    Signature {
        bytes: b"\xfe\xff",
        kind: UTF_16,
    },
    Signature {
        bytes: b"\x28\xb5\x2f\xfd",
        kind: OtherKind {
            what: "compressed with zstd",
            remedy: UNPACK,
        },
    },
    Signature {
        bytes: b"\xfd7zXZ",
        kind: OtherKind {
            what: "compressed with xz",
            remedy: UNPACK,
        },
    },
];

/// The kind of a file according to its first bytes.
pub(crate) enum Start {
    /// More bytes are needed.
    Open,
    /// It is text, as far as these bytes show.
    Text,
    /// It is something else.
    Other(&'static OtherKind),
}

/// The number of bytes in which text that is wider than UTF-8 shows itself.
const WIDTH: usize = 4;

const UTF_32: OtherKind = OtherKind {
    what: "text in UTF-32",
    remedy: UTF_16.remedy,
};

/// Recognises text without a mark that has two or four bytes for each character. A table begins with
/// letters, quotes or braces, for which UTF-8 has one byte each and never a zero.
fn wide(bytes: [u8; WIDTH]) -> Option<&'static OtherKind> {
    match bytes.map(|byte| byte == 0) {
        [false, true, false, true] | [true, false, true, false] => Some(&UTF_16),
        [false, true, true, true] | [true, true, true, false] => Some(&UTF_32),
        _ => None,
    }
}

/// Classifies a file by its first bytes. `ended` means that there are no more.
pub(crate) fn look(bytes: &[u8], ended: bool) -> Start {
    let mut open =
        bytes.len() < WIDTH && bytes.iter().take(2).any(|byte| *byte == 0) || bytes.len() == 1;
    if let Some(first) = bytes.first_chunk()
        && let Some(wide) = wide(*first)
    {
        return Start::Other(wide);
    }
    for signature in &SIGNATURES {
        if bytes.starts_with(signature.bytes) {
            return Start::Other(&signature.kind);
        }
        open |= signature.bytes.starts_with(bytes);
    }
    if open && !ended {
        Start::Open
    } else {
        Start::Text
    }
}
