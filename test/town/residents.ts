/** Who lives in every town of the tests and in the benchmark: each service of the list that runs an entity. */
import { services } from '#services/services.ts';
import type { Entity } from '#shared/entity/entity.ts';
import type { QuestionHandler } from '#shared/question/question.ts';
import type { MongoStoreOptions } from '#shared/entity/stores/mongo-store.ts';

/** What stands in the place of the world outside, by the names under which entities ask for it. */
export type Ports = Readonly<Record<string, unknown>>;

export interface Resident {
  /** Also its route. */
  readonly name: string;
  readonly documents: MongoStoreOptions;
  /** Its entity; throws when it asks for something that `ports` does not have. */
  entity(ports: Ports): Entity<unknown>;
  /** What the owners of its keys are asked. */
  answers(ports: Ports): readonly QuestionHandler[];
}

export const residents: readonly Resident[] = services.flatMap(({ name, entity: make, answers, documents }) => {
  if (make === undefined || documents === undefined) return [];
  return [
    {
      name,
      documents,
      entity: (ports: Ports) => make(complete(name, ports) as never) as Entity<unknown>,
      answers: (ports: Ports) => answers?.(complete(name, ports) as never) ?? [],
    },
  ];
});

/** A service with a new port says here what is missing, not in the middle of a run. */
function complete(service: string, ports: Ports): Ports {
  return new Proxy(ports, {
    get(target, name) {
      if (typeof name === 'string' && !(name in target))
        throw new Error(
          `${service} wants ${name} from outside: give the town something in its place (test/town/outside.ts)`,
        );
      return Reflect.get(target, name) as unknown;
    },
  });
}
