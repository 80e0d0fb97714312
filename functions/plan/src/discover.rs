//! Which files make which table.

use crate::scan::TableScan;
use quarry_contract::request::{JobType, Request, SPLITS};
use quarry_edge::error::StepError;
use quarry_edge::store::{ObjectInfo, ObjectStore, StoreError};
use quarry_rows::{ACCEPTED, TableFormat};

/// How many files that are left out are named in one note.
const NAMED: usize = 10;

/// The tables of a request, in order. What is left out is noted.
pub(crate) async fn tables(
    store: &dyn ObjectStore,
    request: &Request,
    notes: &mut Vec<String>,
) -> Result<Vec<TableScan>, StepError> {
    if TableFormat::from_file_name(request.data.key()).is_some() {
        return match store.head(&request.data).await {
            Ok(file) => Ok(vec![table(None, vec![file])?]),
            Err(StoreError::NotFound(_)) => Err(StepError::bad_request(format!(
                "there is no file {}; correct `data`",
                request.data
            ))),
            Err(error) => Err(error.into_step(&format!("reading {}", request.data))),
        };
    }
    if !request.data.key().is_empty()
        && let Ok(file) = store.head(&request.data).await
        && !request.data.key().ends_with('/')
    {
        return Err(StepError::bad_request(format!(
            "{} is not a table: use a file named {ACCEPTED}",
            file.location
        )));
    }
    let folder = request.data.join("");
    let objects = store
        .list(&folder)
        .await
        .map_err(|error| error.into_step(&format!("listing {folder}")))?;
    let below = |object: &ObjectInfo| object.location.key()[folder.key().len()..].to_owned();

    if request.job_type == JobType::Training {
        let (mut found, mut empty) = (Vec::new(), Vec::new());
        for split in SPLITS {
            let prefix = format!("{split}/");
            let files: Vec<ObjectInfo> = objects
                .iter()
                .filter(|object| below(object).starts_with(&prefix))
                .cloned()
                .collect();
            if files.is_empty() {
                continue;
            }
            let files = tables_only(files, folder.key().len() + prefix.len(), notes);
            if files.is_empty() {
                empty.push(split);
            } else {
                found.push(table(Some(split), files)?);
            }
        }
        if let Some(first) = found.first() {
            let format = first.format;
            for split in empty {
                notes.push(format!(
                    "the folder {folder}{split}/ has no table file: its result has the columns of the other splits and no rows"
                ));
                found.push(TableScan::new(Some(split), format));
            }
            found.sort_by_key(|table| {
                SPLITS
                    .iter()
                    .position(|split| table.split.as_deref() == Some(split))
            });
            let outside: Vec<String> = objects
                .iter()
                .map(below)
                .filter(|name| {
                    !name.is_empty()
                        && !SPLITS
                            .iter()
                            .any(|split| name.starts_with(&format!("{split}/")))
                })
                .collect();
            note_left_out(&outside, "outside train/, val/ and test/", notes);
            return Ok(found);
        }
    }
    let names: Vec<String> = objects
        .iter()
        .map(below)
        .filter(|name| !name.is_empty())
        .collect();
    let files = tables_only(objects, folder.key().len(), notes);
    if files.is_empty() {
        let splits = request.job_type != JobType::Training
            && names.iter().any(|name| {
                SPLITS
                    .iter()
                    .any(|split| name.starts_with(&format!("{split}/")))
            });
        return Err(StepError::bad_request(format!(
            "there is no table in {folder}: put files named {ACCEPTED} there; found {}{}",
            if names.is_empty() {
                "nothing".to_owned()
            } else {
                named(&names)
            },
            if splits {
                "; train/, val/ and test/ are read when the job type is training"
            } else {
                ""
            }
        )));
    }
    Ok(vec![table(None, files)?])
}

/// The table files directly in a folder whose key has `depth` bytes; the others are noted.
fn tables_only(objects: Vec<ObjectInfo>, depth: usize, notes: &mut Vec<String>) -> Vec<ObjectInfo> {
    let (mut files, mut nested, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for object in objects {
        let name = object.location.key()[depth..].to_owned();
        if name.is_empty() {
            continue;
        }
        if name.contains('/') {
            nested.push(name);
        } else if TableFormat::from_file_name(&name).is_some() {
            files.push(object);
        } else {
            other.push(name);
        }
    }
    note_left_out(&nested, "in folders below the data folder", notes);
    note_left_out(&other, "not CSV, TSV, JSON Lines or Parquet", notes);
    files.sort_by(|a, b| a.location.key().cmp(b.location.key()));
    files
}

fn note_left_out(names: &[String], why: &str, notes: &mut Vec<String>) {
    if !names.is_empty() {
        notes.push(format!("left out, {why}: {}", named(names)));
    }
}

fn named(names: &[String]) -> String {
    let more = if names.len() > NAMED { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(NAMED)].join(", "))
}

/// One table of files in name order, all of one format.
fn table(split: Option<&str>, files: Vec<ObjectInfo>) -> Result<TableScan, StepError> {
    let mut scan: Option<(TableScan, String)> = None;
    for file in files {
        let name = file.location.file_name().to_owned();
        let Some((format, gzip)) = TableFormat::from_file_name(&name) else {
            continue;
        };
        let (scan, first) =
            scan.get_or_insert_with(|| (TableScan::new(split, format), name.clone()));
        if scan.format != format {
            return Err(StepError::bad_request(format!(
                "{first} and {name} are of different formats; a table's files must all be of one: \
                 convert one of them or put it in another folder"
            )));
        }
        scan.add(file, name, gzip);
    }
    scan.map(|(scan, _)| scan)
        .ok_or_else(|| StepError::bad_request("a table needs at least one file"))
}
