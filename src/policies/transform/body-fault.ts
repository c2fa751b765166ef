/** Why a body cannot be read or written, for whoever sent it. */
export interface BodyFault {
  readonly fault: string;
}
