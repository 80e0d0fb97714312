//! Objects are files, and files are objects.

use crate::{BUCKET, Server, code, get, put};
use quarry_local_s3::{LocalS3, S3StartError};
use std::fs;

/// An object that is put is found under its key, and a file that is placed by hand is an object.
#[tokio::test]
async fn files_and_objects_are_the_same() {
    let server = Server::start();
    let client = server.client();
    put(&client, "runs/1/out.csv", b"a,b\n").await;
    let bucket = server.directory.path().join(BUCKET);
    assert_eq!(fs::read(bucket.join("runs/1/out.csv")).unwrap(), b"a,b\n");

    fs::create_dir_all(bucket.join("data/train")).unwrap();
    let path = bucket.join("data/train/rows 1.csv");
    fs::write(&path, "first").unwrap();
    let key = "data/train/rows 1.csv";
    assert_eq!(get(&client, key).await, b"first");
    let head = client
        .head_object()
        .bucket(BUCKET)
        .key(key)
        .send()
        .await
        .unwrap();
    let same = put(&client, "copy", b"first").await;
    assert_eq!(
        head.e_tag(),
        Some(same.as_str()),
        "ETags follow from content"
    );

    let later =
        fs::metadata(&path).unwrap().modified().unwrap() + std::time::Duration::from_secs(5);
    fs::write(&path, "other").unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(later)
        .unwrap();
    let range = client
        .get_object()
        .bucket(BUCKET)
        .key(key)
        .if_match(same)
        .send()
        .await;
    assert_eq!(code(range), "PreconditionFailed");
}

/// A restarted server has the same objects, `ETag`s and open uploads.
#[tokio::test]
async fn everything_outlives_the_server() {
    let mut server = Server::start();
    let client = server.client();
    let etag = put(&client, "o", b"content").await;
    let create = client.create_multipart_upload().bucket(BUCKET).key("large");
    let upload = create.send().await.unwrap().upload_id.unwrap();

    server.s3 = LocalS3::start(server.directory.path()).unwrap();
    let client = server.client();
    let head = client
        .head_object()
        .bucket(BUCKET)
        .key("o")
        .send()
        .await
        .unwrap();
    assert_eq!(head.e_tag(), Some(etag.as_str()));
    let part = client
        .upload_part()
        .bucket(BUCKET)
        .key("large")
        .upload_id(upload);
    part.part_number(1)
        .body(b"x".to_vec().into())
        .send()
        .await
        .unwrap();
}

/// Deleting an object removes its empty folders, so that their names become free.
#[tokio::test]
async fn deleting_leaves_no_folders() {
    let server = Server::start();
    let client = server.client();
    put(&client, "a/b/c", b"x").await;
    for _ in 0..2 {
        let delete = client.delete_object().bucket(BUCKET).key("a/b/c");
        delete.send().await.unwrap();
    }
    put(&client, "a", b"file").await;
    assert_eq!(get(&client, "a").await, b"file");
}

/// A key that no file can have is refused with the reason, and nothing else changes.
#[tokio::test]
async fn an_object_cannot_be_a_folder_too() {
    let server = Server::start();
    let client = server.client();
    put(&client, "a/b", b"x").await;
    for key in ["a", "a/b/c"] {
        let refused = client.put_object().bucket(BUCKET).key(key).send().await;
        assert_eq!(code(refused), "InvalidRequest", "{key}");
        let head = client.get_object().bucket(BUCKET).key(key).send().await;
        assert_eq!(code(head), "NoSuchKey", "{key}");
    }
    assert_eq!(get(&client, "a/b").await, b"x");
    assert_eq!(server.incoming(), 0);
}

/// A bucket's name must follow the rules of S3, so it cannot lead out of the directory.
#[test]
fn bucket_names_are_checked() {
    let server = Server::start();
    for name in ["", "..", ".quarry-s3", "a/b", "UPPER", "a"] {
        let refused = server.s3.create_bucket(name);
        assert!(
            matches!(refused, Err(S3StartError::Bucket { .. })),
            "{name}"
        );
    }
    server.s3.create_bucket("more").unwrap();
    server.s3.create_bucket("more").unwrap();
}

/// If the path is not a directory, the error names it.
#[test]
fn a_file_is_not_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = LocalS3::start(&file).unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
}
