//! One answer from one thread to another that has nothing else to do.
//!
//! A channel would spin and yield before it sleeps, which is right for a thread that is answered at once. Callers of an
//! append wait for a disk, and there are many: on few cores their spinning keeps the sequencer from answering.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Two ends: who gives the answer, and who waits for it.
pub(crate) fn reply<T>() -> (Replier<T>, Answer<T>) {
    let slot = Arc::new(Slot {
        state: Mutex::new(State::Waiting),
        settled: Condvar::new(),
    });
    (Replier(Arc::clone(&slot)), Answer(slot))
}

#[derive(Debug)]
struct Slot<T> {
    state: Mutex<State<T>>,
    settled: Condvar,
}

#[derive(Debug)]
enum State<T> {
    Waiting,
    Given(T),
    /// Taken already, or never to come.
    Gone,
}

impl<T> Slot<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, to: State<T>) {
        let mut state = self.lock();
        if matches!(*state, State::Waiting) {
            *state = to;
            drop(state);
            self.settled.notify_one();
        }
    }
}

/// Gives the answer. Dropped without one, it tells that none will come.
#[derive(Debug)]
pub(crate) struct Replier<T>(Arc<Slot<T>>);

impl<T> Replier<T> {
    /// Answers. Nobody may be waiting any more; that is no concern of the one who answers.
    pub(crate) fn give(self, answer: T) {
        self.0.settle(State::Given(answer));
    }
}

impl<T> Drop for Replier<T> {
    fn drop(&mut self) {
        self.0.settle(State::Gone);
    }
}

/// Waits for the answer.
#[derive(Debug)]
pub(crate) struct Answer<T>(Arc<Slot<T>>);

impl<T> Answer<T> {
    /// The answer, or `None` if none will come.
    pub(crate) fn wait(self) -> Option<T> {
        let waiting = |state: &mut State<T>| matches!(state, State::Waiting);
        let state = self.0.settled.wait_while(self.0.lock(), waiting);
        take(&mut state.unwrap_or_else(PoisonError::into_inner))
    }

    /// The answer, if it is there.
    pub(crate) fn try_take(&self) -> Option<T> {
        let mut state = self.0.lock();
        match *state {
            State::Waiting => None,
            State::Given(_) | State::Gone => take(&mut state),
        }
    }
}

fn take<T>(state: &mut State<T>) -> Option<T> {
    match std::mem::replace(state, State::Gone) {
        State::Given(answer) => Some(answer),
        State::Waiting | State::Gone => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_once_or_it_is_told_that_none_will() {
        let (replier, answer) = reply();
        assert_eq!(answer.try_take(), None);
        let waiter = std::thread::spawn(move || answer.wait());
        replier.give(7);
        assert!(matches!(waiter.join(), Ok(Some(7))));

        let (replier, answer) = reply();
        replier.give(8);
        assert_eq!((answer.try_take(), answer.try_take()), (Some(8), None));

        let (replier, answer) = reply::<u8>();
        let waiter = std::thread::spawn(move || answer.wait());
        drop(replier);
        assert!(matches!(waiter.join(), Ok(None)));
    }
}
