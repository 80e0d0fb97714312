//! A condition and its put are one step, whatever other clients put.

use crate::{BUCKET, MIB, Server, code, get, put};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

const CLIENTS: usize = 8;

/// Eight clients, each with its own connections, and one key for each round.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_first_puts_wins() {
    let server = Server::start();
    let clients: Vec<_> = (0..CLIENTS).map(|_| server.client()).collect();
    for round in 0..50 {
        let puts: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let client = clients[number].clone();
                tokio::spawn(async move {
                    let put = client
                        .put_object()
                        .bucket(BUCKET)
                        .key(format!("key-{round}"));
                    let body = format!("client {number}").into_bytes();
                    put.if_none_match("*").body(body.into()).send().await
                })
            })
            .collect();
        let mut winners = Vec::new();
        for (number, put) in puts.into_iter().enumerate() {
            match put.await.unwrap() {
                Ok(_) => winners.push(number),
                Err(error) => assert_eq!(error.code(), Some("PreconditionFailed")),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}");
        let content = get(&clients[0], &format!("key-{round}")).await;
        assert_eq!(content, format!("client {}", winners[0]).into_bytes());
    }
}

/// With `If-Match` no update is lost: a counter that all clients increase ends at the number of
/// increases.
#[tokio::test(flavor = "multi_thread")]
async fn no_update_with_a_match_is_lost() {
    const EACH: usize = 10;
    let server = Server::start();
    put(&server.client(), "counter", b"0").await;
    let tasks: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let client = server.client();
            tokio::spawn(async move { increase_times(EACH, &client).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let content = get(&server.client(), "counter").await;
    assert_eq!(content, (CLIENTS * EACH).to_string().into_bytes());
}

async fn increase_times(times: usize, client: &Client) {
    for _ in 0..times {
        while !increase(client).await {}
    }
}

async fn increase(client: &Client) -> bool {
    let got = client
        .get_object()
        .bucket(BUCKET)
        .key("counter")
        .send()
        .await
        .unwrap();
    let etag = got.e_tag().unwrap().to_owned();
    let body = got.body.collect().await.unwrap().to_vec();
    let number: usize = String::from_utf8(body).unwrap().parse().unwrap();
    let put = client
        .put_object()
        .bucket(BUCKET)
        .key("counter")
        .if_match(etag);
    let put = put
        .body((number + 1).to_string().into_bytes().into())
        .send()
        .await;
    match put {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.code(), Some("PreconditionFailed"));
            false
        }
    }
}

/// Completing an upload obeys conditions as a put does, and an upload that fails a condition can be
/// completed without it.
#[tokio::test]
async fn completing_is_conditional() {
    let server = Server::start();
    let client = server.client();
    let create = client.create_multipart_upload().bucket(BUCKET).key("o");
    let upload = create.send().await.unwrap().upload_id.unwrap();
    let part = client
        .upload_part()
        .bucket(BUCKET)
        .key("o")
        .upload_id(&upload);
    let part = part
        .part_number(1)
        .body(vec![1; MIB].into())
        .send()
        .await
        .unwrap();
    let parts = CompletedMultipartUpload::builder()
        .parts(
            CompletedPart::builder()
                .part_number(1)
                .e_tag(part.e_tag.unwrap())
                .build(),
        )
        .build();
    let complete = client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("o")
        .upload_id(&upload)
        .multipart_upload(parts);

    let etag = put(&client, "o", b"here before").await;
    let failed = complete.clone().if_none_match("*").send().await;
    assert_eq!(code(failed), "PreconditionFailed");
    let failed = complete.clone().if_match("\"other\"").send().await;
    assert_eq!(code(failed), "PreconditionFailed");
    assert_eq!(get(&client, "o").await, b"here before");
    complete.if_match(etag).send().await.unwrap();
    assert_eq!(get(&client, "o").await, vec![1; MIB]);
    assert_eq!(server.incoming(), 0);
}

/// While an object is replaced again and again, readers see one whole state with its `ETag`.
#[tokio::test(flavor = "multi_thread")]
async fn readers_never_see_half_a_put() {
    let server = Server::start();
    let client = server.client();
    let bodies = [vec![b'a'; 3 * MIB], vec![b'b'; MIB]];
    let etags = [
        put(&client, "o", &bodies[0]).await,
        put(&client, "o", &bodies[1]).await,
    ];
    let writer = {
        let (client, bodies) = (server.client(), bodies.clone());
        tokio::spawn(async move {
            for round in 0..20 {
                put(&client, "o", &bodies[round % 2]).await;
            }
        })
    };
    while !writer.is_finished() {
        let got = client
            .get_object()
            .bucket(BUCKET)
            .key("o")
            .send()
            .await
            .unwrap();
        let etag = got.e_tag().unwrap().to_owned();
        let body = got.body.collect().await.unwrap().to_vec();
        let state = usize::from(body[0] == b'b');
        assert!(
            body == bodies[state] && etag == etags[state],
            "mixed states"
        );
    }
    writer.await.unwrap();
}
