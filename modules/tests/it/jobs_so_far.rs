//! Jobs brought so far.

use crate::jobs::{ALL, Jobs};
use zektra_proto::training::v1::JobStatus as Status;

impl Jobs {
    pub fn open(&mut self) -> u64 {
        let order = self.order();
        self.send(order).unwrap().job
    }

    /// Its node is drawn.
    pub fn drawn(&mut self) -> u64 {
        let job = self.open();
        self.pass_due(job);
        assert!(!self.job(job).node.is_empty());
        job
    }

    pub fn join(&mut self, job: u64, seat: u32) {
        let message = self.joining(job, seat);
        self.send(message).unwrap();
    }

    pub fn locked(&mut self) -> u64 {
        let job = self.drawn();
        (0..3).for_each(|seat| self.join(job, seat));
        assert_eq!(self.status(job), Status::Locked);
        job
    }

    pub fn stalled(&mut self, member: u32) -> u64 {
        let job = self.locked();
        let message = self.stalling(job, member);
        self.send(message).unwrap();
        job
    }

    pub fn rescue(&mut self) -> u64 {
        let job = self.locked();
        self.pass_due(job);
        assert_eq!(self.status(job), Status::Rescue);
        job
    }

    pub fn proven(&mut self) -> u64 {
        let job = self.locked();
        self.accept(job, ALL).unwrap();
        assert_eq!(self.status(job), Status::Proven);
        job
    }

    pub fn release(&mut self, job: u64, seat: u32) {
        let message = self.releasing(job, seat);
        self.send(message).unwrap();
    }

    pub fn delivered(&mut self) -> u64 {
        let job = self.proven();
        (0..2).for_each(|seat| self.release(job, seat));
        assert_eq!(self.status(job), Status::Delivered);
        job
    }

    /// All have released, and of these seats another share than was proven.
    pub fn delivered_with(&mut self, wrong: &[u32]) -> u64 {
        let job = self.proven();
        for seat in 0..2 {
            let message = match wrong.contains(&seat) {
                true => self.releasing_another(job, seat),
                false => self.releasing(job, seat),
            };
            self.send(message).unwrap();
        }
        assert_eq!(self.status(job), Status::Delivered);
        job
    }

    pub fn settled(&mut self) -> u64 {
        let job = self.delivered();
        self.pass_due(job);
        job
    }
}
