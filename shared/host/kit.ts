import type { Connection } from 'mongoose';
import type { Registry } from 'prom-client';
import type { z } from 'zod';
import type { Environment } from './config.ts';
import type { RequestListener } from './health.ts';
import type { ProcessConfig } from './variables.ts';
import type { AuditRule } from '#shared/audit-rule.ts';
import type { Bus } from '#shared/bus/bus.ts';
import type { RouteTable, ServiceRights } from '#shared/bus/topology/topology.ts';
import type { Clock } from '#shared/clock.ts';
import type { Entity } from '#shared/entity/entity.ts';
import type { Migration } from '#shared/database/migration.ts';
import type { MongoStoreOptions } from '#shared/entity/stores/mongo-store.ts';
import type { Asker } from '#shared/question/asker.ts';
import type { QuestionHandler } from '#shared/question/question.ts';
import type { Log } from '#shared/log.ts';
import type { ServiceApi } from '#shared/web/api.ts';

/** What a service gets to build itself from. */
export interface Kit<Config> {
  readonly config: Config & ProcessConfig;
  /** All services of the system. */
  readonly services: readonly Service[];
  /** Their routes and rights. */
  readonly table: RouteTable;
  readonly bus: Bus;
  /** For a service that reads `MONGO_URL`. */
  readonly db: Config extends { readonly MONGO_URL: string } ? Connection : Connection | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
  /** Asks the owners of keys what changes nothing; for a service with the right `questions`. Connected when it is first used. */
  readonly asker: Asker;
  /**
   * Runs an entity as one worker of this service, with the service's documents; drained at stop. `answers`: what the owners of its
   * keys are asked.
   */
  host<State>(entity: Entity<State>, answers?: readonly QuestionHandler[]): void;
  /** What each of the other living copies of this service can go on with (`Entity.runs`); `undefined` for one of a version that does not say. */
  othersRun(): readonly (readonly string[] | undefined)[];
  /** Answers every path but `/livez`, `/readyz` and `/metrics`. */
  http(listener: RequestListener): void;
  /** A readiness check; throws what is wrong. */
  ready(name: string, check: () => void | Promise<void>): void;
  /** Runs at stop, latest first. */
  onStop(stop: () => Promise<void>): void;
}

/** All services, and what follows from them. */
export interface System {
  readonly services: readonly Service[];
  readonly table: RouteTable;
  /** What any of them reads from its environment. */
  readonly variables: readonly string[];
}

/**
 * A service's entity over what it needs from outside, each by its name: in production what `start` makes, elsewhere what stands in
 * its place. Nobody here knows which that is.
 */
export type EntityOver = (ports: never) => object;

/** What its keys' owners answer, over the same. */
export type AnswersOver = (ports: never) => readonly QuestionHandler[];

export interface Service {
  readonly name: string;
  readonly rights: ServiceRights;
  /** Absent: it has none. */
  readonly entity?: EntityOver | undefined;
  /** The questions about its keys; absent: there are none. */
  readonly answers?: AnswersOver | undefined;
  /** Where the documents of its entity are, if it has one. */
  readonly documents?: MongoStoreOptions | undefined;
  readonly api?: ServiceApi | undefined;
  readonly audit: readonly AuditRule[];
  /** What its documents went through since they were first stored; it hosts nothing before all of it was applied. */
  readonly migrations?: readonly Migration[] | undefined;
  /** Names of all variables that it reads. */
  readonly variables: readonly string[];
  /** Throws a `ConfigError` that lists everything why it must not run like this. */
  check(environment: Environment, table: RouteTable): void;
  start(environment: Environment, system: System, options?: StartOptions): Promise<RunningService>;
}

export interface StartOptions {
  /** In a process of several services nobody may end it alone. */
  readonly exit?: (code: number) => void;
  readonly log?: Log;
}

export interface RunningService {
  readonly name: string;
  /** Where `/livez` and the rest are served. */
  readonly url: string;
  /** Drains and stops; resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

/** What a service is made of. */
export interface ServiceSpec<Shape extends z.ZodRawShape> {
  /** Also the name of its broker user and of its folder. */
  readonly name: string;
  readonly rights: ServiceRights;
  readonly config: Shape;
  /** The entity that it runs, if it has one; what `start` hosts is this one. */
  readonly entity?: EntityOver;
  /** What its keys' owners are asked; with the right `answersQuestions`. */
  readonly answers?: AnswersOver;
  readonly documents?: MongoStoreOptions;
  /** What it offers over HTTP, behind the doors. */
  readonly api?: ServiceApi;
  /** What must always hold of its documents. */
  readonly audit?: AuditRule | readonly AuditRule[];
  /** The files of its folder `migrations`. It waits until the database has gone through them. */
  readonly migrations?: readonly Migration[];
  /** What must not run, beyond what the schema says. */
  readonly rules?: readonly ((
    config: z.infer<z.ZodObject<Shape>> & ProcessConfig,
    table: RouteTable,
  ) => readonly string[])[];
  start(kit: Kit<z.infer<z.ZodObject<Shape>>>): void | Promise<void>;
}
