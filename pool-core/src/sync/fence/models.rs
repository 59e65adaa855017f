//! The handshake on a machine with store buffers, in every order of its steps. Loom has no `membarrier`, so this machine is
//! written here: each thread's stores wait in a buffer and reach the memory later, those to different places in any order.
//!
//! Two workers push into a ring each. A consumer sets both waiter flags, and looks into both rings. Where it does not see a
//! push, that push must see its flag.

use std::collections::HashSet;

const PUSHES: u8 = 2;
/// A place in memory for the flag of each ring, and one for how many values have been pushed.
const FLAGS: [usize; 2] = [0, 1];
const PUSHED: [usize; 2] = [2, 3];
const CONSUMER: usize = 2;

/// What stands between the store and the load of a push.
#[derive(Clone, Copy, PartialEq)]
enum Light {
    /// The compiler may swap them.
    Nothing,
    /// As [`light(false)`](super::light).
    CompilerFence,
    /// As [`light(true)`](super::light).
    Fence,
}

/// What stands between the consumer's stores and its loads.
#[derive(Clone, Copy, PartialEq)]
enum Heavy {
    /// As [`heavy(true)`](super::heavy), and where the kernel refuses.
    OwnFence,
    /// As [`heavy(false)`](super::heavy). Each other thread executes a fence, wherever it is, before this is over.
    FenceEverywhere,
}

#[derive(Clone, Copy)]
enum Step {
    Store(usize, u8),
    Load(usize),
    Fence,
    FenceOf(usize),
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Thread {
    done: usize,
    /// Stores that have not reached the memory: places and values.
    buffer: Vec<(usize, u8)>,
    loaded: Vec<u8>,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Machine {
    memory: [u8; 4],
    threads: [Thread; 3],
}

impl Machine {
    /// Lets a store of this thread reach the memory, unless one to the same place must do so first.
    fn drain(mut self, thread: usize, index: usize) -> Option<Machine> {
        let buffer = &mut self.threads[thread].buffer;
        let (place, value) = buffer[index];
        if buffer[..index].iter().any(|&(earlier, _)| earlier == place) {
            return None;
        }
        buffer.remove(index);
        self.memory[place] = value;
        Some(self)
    }

    /// Executes the next step of this thread. `None` if a buffer has to be drained first.
    fn step(mut self, thread: usize, step: Step) -> Option<Machine> {
        let own = &mut self.threads[thread];
        own.done += 1;
        match step {
            Step::Store(place, value) => own.buffer.push((place, value)),
            Step::Load(place) => {
                let newest = own.buffer.iter().rfind(|&&(stored, _)| stored == place);
                own.loaded.push(newest.map_or(self.memory[place], |&(_, value)| value));
            }
            Step::Fence if own.buffer.is_empty() => {}
            Step::FenceOf(other) if self.threads[other].buffer.is_empty() => {}
            Step::Fence | Step::FenceOf(_) => return None,
        }
        Some(self)
    }

    /// Every machine that this one can be after a step.
    fn successors(&self, programs: &[Vec<Step>; 3]) -> Vec<Machine> {
        let mut after = Vec::new();
        for (thread, program) in programs.iter().enumerate() {
            let own = &self.threads[thread];
            after.extend((0..own.buffer.len()).filter_map(|index| self.clone().drain(thread, index)));
            after.extend(program.get(own.done).and_then(|&step| self.clone().step(thread, step)));
        }
        after
    }

    /// Whether a push has not seen its flag, and the consumer has not seen that push.
    fn has_lost(&self) -> bool {
        let seen = &self.threads[CONSUMER].loaded;
        (0..2).any(|ring| self.threads[ring].loaded.get(usize::from(seen[ring])) == Some(&0))
    }
}

fn push(ring: usize, number: u8, light: Light, swapped: bool) -> Vec<Step> {
    let (store, load) = (Step::Store(PUSHED[ring], number), Step::Load(FLAGS[ring]));
    match light {
        Light::Nothing if swapped => vec![load, store],
        Light::Nothing | Light::CompilerFence => vec![store, load],
        Light::Fence => vec![store, Step::Fence, load],
    }
}

fn consume(heavy: Heavy) -> Vec<Step> {
    let mut program = FLAGS.map(|flag| Step::Store(flag, 1)).to_vec();
    program.push(Step::Fence);
    if heavy == Heavy::FenceEverywhere {
        program.extend([Step::FenceOf(0), Step::FenceOf(1)]);
    }
    program.extend(PUSHED.map(Step::Load));
    program
}

/// Whether there is an order of steps in which both sides miss each other.
fn loses(light: Light, heavy: Heavy) -> bool {
    [false, true].into_iter().any(|swapped| {
        let worker = |ring| (1..=PUSHES).flat_map(|number| push(ring, number, light, swapped)).collect();
        let programs = [worker(0), worker(1), consume(heavy)];
        let (mut known, mut open) = (HashSet::new(), vec![Machine::default()]);
        while let Some(machine) = open.pop() {
            let after = machine.successors(&programs);
            if after.is_empty() && machine.has_lost() {
                return true;
            }
            open.extend(after.into_iter().filter(|machine| known.insert(machine.clone())));
        }
        false
    })
}

#[test]
fn p5_a_compiler_fence_is_enough_beside_a_fence_everywhere() {
    assert!(!loses(Light::CompilerFence, Heavy::FenceEverywhere));
}

#[test]
fn p5_a_fence_on_each_side_is_enough() {
    assert!(!loses(Light::Fence, Heavy::OwnFence));
}

/// Rings of both kinds may be open at a time.
#[test]
fn p5_a_fence_does_no_harm_beside_a_fence_everywhere() {
    assert!(!loses(Light::Fence, Heavy::FenceEverywhere));
}

/// So the consumer looks every millisecond where the kernel has begun to refuse.
#[test]
fn p5_the_consumers_own_fence_is_not_enough() {
    assert!(loses(Light::CompilerFence, Heavy::OwnFence));
}

#[test]
fn p5_the_compiler_must_not_swap_a_push_and_its_look() {
    assert!(loses(Light::Nothing, Heavy::FenceEverywhere));
}
