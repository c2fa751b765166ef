import { CallState } from './call-state.ts';
import { CallTask, type TaskOwner } from './call-task.ts';

/** A call that is made once. */
export class SingleCall extends CallState implements TaskOwner {
  #task: CallTask | undefined = undefined;

  onTaskEnded({ result, answer, lastGood, error, status, bytes, endpoint, attempts }: CallTask): void {
    this.status = status;
    this.bytes = bytes;
    this.endpoint = endpoint;
    this.attempts = attempts;
    if (result === 'passed') return this.pass(answer!);
    if (result === 'failed') return this.fail(error!, lastGood);
    this.adopt(answer);
    this.settle(result!);
  }

  protected breakOff(): void {
    this.#task?.cancel();
  }

  protected begin(): void {
    this.#task = new CallTask(this.run, this.call, this.run, this);
    this.#task.start();
  }
}
