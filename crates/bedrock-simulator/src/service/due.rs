//! Writing output that was late.

use super::{Service, StoredJob};
use std::sync::Arc;

impl Service {
    /// Writes all late output that is due by now. Output that cannot be written stays late.
    pub(crate) async fn write_due(self: &Arc<Self>) {
        let late: Vec<Arc<StoredJob>> = self
            .jobs()
            .iter()
            .filter(|job| !job.state().late.is_empty())
            .cloned()
            .collect();
        for job in late {
            let (service, job) = (Arc::clone(self), Arc::clone(&job));
            let task = tokio::spawn(async move { service.write_due_of(&job).await });
            // The task ends early only if the runtime ends.
            let _ = task.await;
        }
    }

    async fn write_due_of(&self, job: &StoredJob) {
        let _turn = job.turn.lock().await;
        let now = (self.now)();
        let late = std::mem::take(&mut job.state().late);
        let mut rest = Vec::new();
        for object in late {
            let is_due = object.due.is_some_and(|due| due <= now);
            if !is_due || object.write(&self.s3).await.is_err() {
                rest.push(object);
            }
        }
        job.state().late = rest;
    }
}
