/** Something to be done when everything has been handled that this turn of the event loop has read. */
export interface TurnTask {
  onTurnEnd(): void;
}

/** One `setImmediate` for all connections of a thread that have something to do at the end of a turn. */
export class TurnEnd {
  #tasks: TurnTask[] = [];
  #spare: TurnTask[] = [];

  /** To be called once for each turn. */
  add(task: TurnTask): void {
    if (this.#tasks.length === 0) setImmediate(runTurnEnd, this);
    this.#tasks.push(task);
  }

  run(): void {
    const tasks = this.#tasks;
    this.#tasks = this.#spare;
    let at = 0;
    try {
      while (at < tasks.length) tasks[at++]!.onTurnEnd();
    } finally {
      // A task threw: the others are still to be done.
      while (at < tasks.length) this.add(tasks[at++]!);
      tasks.length = 0;
      this.#spare = tasks;
    }
  }
}

function runTurnEnd(turnEnd: TurnEnd): void {
  turnEnd.run();
}
