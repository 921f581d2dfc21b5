import type { CommandStep, CoveredUndo, Described, FinalNotice, HeardStep, OwnUndo } from './step.ts';
import type { Retries, Undo, UndoneEnd, Undoing } from './step.ts';
import type { CommandType, EventType } from '#shared/message.ts';

type Asked<Body, Done> = CommandType<Body> & { readonly done: EventType<Done> };

interface StepSpec<Data, Learned extends object, Body, Done> extends Described {
  readonly command: Asked<Body, Done>;
  /** Absent: it is sent when the step above it is done. */
  readonly after?: readonly string[];
  readonly forwardOnly?: true;
  readonly retries?: Retries;
  readonly with: (data: Data, learned: Learned, number: number) => NoInfer<Body>;
  readonly learn?: (answer: NoInfer<Done>) => Partial<Learned>;
  readonly confirms?: (answer: NoInfer<Done>) => Readonly<Record<string, number | undefined>>;
  readonly undo: Undo<Data, Learned>;
}

interface UndoOptions<Learned extends object, Done> {
  readonly learn?: (answer: NoInfer<Done>, learned: Partial<Learned>) => Partial<Learned>;
  /** Only for the last step: the answer says that the effect cannot be undone any more, and the saga is completed. */
  readonly isFinal?: (answer: NoInfer<Done>) => boolean;
  /** The owner's entity outlives the saga, so it may forget this undo once no late do can arrive. */
  readonly ownerLivesOn?: true;
}

/** A step that is sent by command, as it is written down; `defineSaga` fills in what the step above it says. */
export type WrittenStep<Data = unknown, Learned extends object = object> = Omit<CommandStep<Data, Learned>, 'after'> & {
  readonly after?: readonly string[] | undefined;
};
export type Written<Data = unknown, Learned extends object = object> = WrittenStep<Data, Learned> | HeardStep;

/** What the steps of a saga over this data, which learns this from answers, are written with. */
export function sagaWriter<Data, Learned extends object>() {
  return {
    /** One step. A `with` that builds another command's body, or an `undo` of another shape, does not compile. */
    step<const Body, Done>(spec: StepSpec<Data, Learned, Body, Done>): WrittenStep<Data, Learned> {
      const { with: bodyOf, learn, confirms, forwardOnly, ...rest } = spec;
      return {
        ...rest,
        kind: 'command',
        forwardOnly: forwardOnly ?? false,
        bodyOf,
        learn: (answer) => learn?.(answer as Done) ?? {},
        confirms: (answer) => confirms?.(answer as Done) ?? {},
      };
    },

    /**
     * One step for each part of the data, side by side. What `of` says beside its functions must not depend on the part: it is asked
     * once without one, for what is known before there is data.
     */
    forEach<Part extends object>(
      partsOf: (data: Data) => readonly Part[],
      of: (part: Part) => WrittenStep<Data, Learned>,
    ): WrittenStep<Data, Learned> {
      return { ...of({} as Part), partsOf: (data) => partsOf(data).map(of) };
    },

    /** A step that its owner does when it hears the answer to another one. */
    heard(spec: Omit<HeardStep, 'kind'>): HeardStep {
      return { kind: 'heard', ...spec };
    },

    /** The compensation of the step that it stands in. */
    undo<const Body, Done>(
      command: Asked<Body, Done> & { readonly undo: boolean },
      bodyOf: (data: Data, undoing: Undoing<Learned>) => NoInfer<Body>,
      options: UndoOptions<Learned, Done> = {},
    ): OwnUndo<Data, Learned> {
      return {
        kind: 'own',
        command,
        bodyOf,
        learn: (answer, learned) => options.learn?.(answer as Done, learned) ?? {},
        isFinal: (answer) => options.isFinal?.(answer as Done) ?? false,
        ownerLivesOn: options.ownerLivesOn ?? false,
      };
    },

    /** The compensation of an earlier step takes this one back as well. */
    undoneWith(step: string): CoveredUndo {
      return { kind: 'covered', by: step };
    },

    /** What is sent when everything is undone. */
    notice<const Body>(spec: {
      readonly name: string;
      readonly title: string;
      readonly command: CommandType<Body>;
      readonly with: (data: Data, end: UndoneEnd) => NoInfer<Body>;
    }): FinalNotice<Data> {
      const { with: bodyOf, ...rest } = spec;
      return { ...rest, bodyOf };
    },
  };
}
