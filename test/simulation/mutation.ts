export interface Edit {
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutation extends Edit {
  readonly name: string;
  /** What it takes away. */
  readonly guarantee: string;
  /** Where two barriers stand behind each other, one alone is not seen to be missing. */
  readonly and?: Edit;
  /** The program that has to catch it; the simulation of the whole town unless given. */
  readonly simulation?: string;
  /** The test file that has to catch it instead, where a simulation would need too many seeds. */
  readonly suite?: string;
}
