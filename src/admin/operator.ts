/** Who asks the admin API, and what they may do. */
import { type OperatorRole, operatorRoles } from '#config/operator-roles.ts';

/** For the logs. */
export interface Operator {
  /** The name of the token; `token` for the one without a name, `loopback` and `certificate` where there are no tokens. */
  readonly by: string;
  readonly role: OperatorRole;
  readonly address: string;
}

export function mayAct(role: OperatorRole, needed: OperatorRole): boolean {
  return operatorRoles.indexOf(role) >= operatorRoles.indexOf(needed);
}
