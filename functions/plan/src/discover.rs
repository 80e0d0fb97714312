//! Finding the files that make each table.

use crate::table_scan::TableScan;
use quarry_contract::location::S3Uri;
use quarry_contract::request::{JobType, Request, SPLITS};
use quarry_contract::settings::CsvQuoting;
use quarry_edge::error::{Doing, StepError};
use quarry_edge::store::{ObjectInfo, ObjectStore, StoreError};
use quarry_rows::{ACCEPTED, TableFormat};
use quarry_table::quote;

/// The most names of files in one note or error.
const MOST_NAMED: usize = 10;

/// Returns the tables of a request, in order, with this quoting of cells. Notes which objects are
/// left out.
pub(crate) async fn tables(
    store: &dyn ObjectStore,
    request: &Request,
    quoting: CsvQuoting,
    notes: &mut Vec<String>,
) -> Result<Vec<TableScan>, StepError> {
    let mut tables = named_tables(store, request, notes).await?;
    for table in &mut tables {
        table.format = table.format.quoted(quoting);
    }
    Ok(tables)
}

/// Returns the tables of a request, in the formats that the file names tell.
async fn named_tables(
    store: &dyn ObjectStore,
    request: &Request,
    notes: &mut Vec<String>,
) -> Result<Vec<TableScan>, StepError> {
    if let Some(file) = single_file(store, request).await? {
        return Ok(vec![table(None, vec![file])?]);
    }
    let folder = Folder::list(store, request.data.join("")).await?;
    let training = request.job_type == JobType::Training;
    if training {
        let splits = splits(&folder, notes)?;
        if !splits.is_empty() {
            return Ok(splits);
        }
    }
    let files = tables_only(folder.objects.clone(), folder.location.key().len(), notes);
    if files.is_empty() {
        return Err(no_table(&folder, training));
    }
    Ok(vec![table(None, files)?])
}

/// Returns the file that `data` names, unless it names a folder.
async fn single_file(
    store: &dyn ObjectStore,
    request: &Request,
) -> Result<Option<ObjectInfo>, StepError> {
    let data = &request.data;
    if TableFormat::from_file_name(data.key()).is_some() {
        if let Some(content) = &request.data_content
            && content.version.is_some()
        {
            return Ok(Some(ObjectInfo {
                location: data.clone(),
                size: content.size,
                etag: content.etag.clone(),
                version: content.version.clone(),
                checksum: None,
            }));
        }
        return match store.head(data).await {
            Ok(file) => match &request.data_content {
                Some(content) if content.etag != file.etag => Err(replaced(data)),
                _ => Ok(Some(file)),
            },
            Err(StoreError::NotFound(_)) => Err(StepError::bad_request(format!(
                "there is no file {data}; correct `data`"
            ))),
            Err(error) => Err(error).doing(|| format!("reading {data}")),
        };
    }
    if !data.key().is_empty()
        && let Ok(file) = store.head(data).await
        && !data.key().ends_with('/')
    {
        return Err(StepError::bad_request(format!(
            "{} is not a table: use a file named {ACCEPTED}",
            file.location
        )));
    }
    Ok(None)
}

fn replaced(data: &S3Uri) -> StepError {
    StepError::bad_request(format!(
        "{data} was replaced after its arrival had started this run; its next arrival starts a run of its own, so there is \
         nothing to do"
    ))
}

/// A data folder and all objects below it.
struct Folder {
    location: S3Uri,
    objects: Vec<ObjectInfo>,
}

impl Folder {
    async fn list(store: &dyn ObjectStore, location: S3Uri) -> Result<Self, StepError> {
        let objects = store
            .list(&location)
            .await
            .doing(|| format!("listing {location}"))?;
        Ok(Self { location, objects })
    }

    /// Returns the object's name relative to the folder; empty for the folder's own marker.
    fn below<'a>(&self, object: &'a ObjectInfo) -> &'a str {
        &object.location.key()[self.location.key().len()..]
    }
}

/// Whether a name below the data folder is in the folder of a training split.
fn in_a_split(name: &str) -> bool {
    SPLITS.iter().any(|split| {
        name.strip_prefix(split)
            .is_some_and(|rest| rest.starts_with('/'))
    })
}

/// Returns the tables of `train/`, `val/` and `test/`; `None` if no split has a table file.
fn splits(folder: &Folder, notes: &mut Vec<String>) -> Result<Vec<TableScan>, StepError> {
    let (mut found, mut empty) = (Vec::new(), Vec::new());
    for split in SPLITS {
        let prefix = format!("{split}/");
        let files: Vec<ObjectInfo> = folder
            .objects
            .iter()
            .filter(|object| folder.below(object).starts_with(&prefix))
            .cloned()
            .collect();
        if files.is_empty() {
            continue;
        }
        let files = tables_only(files, folder.location.key().len() + prefix.len(), notes);
        if files.is_empty() {
            empty.push(split);
        } else {
            found.push(table(Some(split), files)?);
        }
    }
    let Some(format) = found.first().map(|table| table.format) else {
        return Ok(found);
    };
    for split in empty {
        notes.push(format!(
            "the folder {split}/ has no table file: its result has the columns of the other splits and no rows"
        ));
        found.push(TableScan::new(Some(split), format));
    }
    found.sort_by_key(|table| {
        SPLITS
            .iter()
            .position(|split| table.split.as_deref() == Some(split))
    });
    let outside: Vec<String> = folder
        .objects
        .iter()
        .map(|object| folder.below(object))
        .filter(|name| !name.is_empty() && !in_a_split(name))
        .map(str::to_owned)
        .collect();
    note_left_out(&outside, "outside train/, val/ and test/", notes);
    Ok(found)
}

/// Returns the refusal of a folder without a table, which says what the folder holds instead.
fn no_table(folder: &Folder, training: bool) -> StepError {
    let names: Vec<String> = folder
        .objects
        .iter()
        .map(|object| folder.below(object).to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    let found = if names.is_empty() {
        "nothing".to_owned()
    } else {
        quote::first_of(&names, MOST_NAMED)
    };
    let splits = if !training && names.iter().any(|name| in_a_split(name)) {
        "; train/, val/ and test/ are read when the job type is training"
    } else {
        ""
    };
    StepError::bad_request(format!(
        "there is no table in {}: put files named {ACCEPTED} there; found {found}{splits}",
        folder.location
    ))
}

/// Returns the table files directly in a folder whose key has `depth` bytes, and notes the others.
fn tables_only(objects: Vec<ObjectInfo>, depth: usize, notes: &mut Vec<String>) -> Vec<ObjectInfo> {
    let (mut files, mut nested, mut hidden, mut other) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for object in objects {
        let name = object.location.key()[depth..].to_owned();
        if name.is_empty() {
            continue;
        }
        if name.contains('/') {
            nested.push(name);
        } else if name.starts_with('.') {
            // Systems and programs store companions of a file under its name: `._a.csv`,
            // `.a.csv.crc`.
            hidden.push(name);
        } else if TableFormat::from_file_name(&name).is_some() {
            files.push(object);
        } else {
            other.push(name);
        }
    }
    note_left_out(&nested, "in folders below the data folder", notes);
    note_left_out(&hidden, "names that begin with a dot", notes);
    note_left_out(&other, "not CSV, TSV, JSON Lines or Parquet", notes);
    files.sort_by(|a, b| a.location.key().cmp(b.location.key()));
    files
}

fn note_left_out(names: &[String], why: &str, notes: &mut Vec<String>) {
    if !names.is_empty() {
        notes.push(format!(
            "left out, {why}: {}",
            quote::first_of(names, MOST_NAMED)
        ));
    }
}

/// Returns one table of files in name order, which must all have the same format.
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
