import type { RouteTable } from './route-table.ts';

/** The routes whose service answers questions. */
export function askedRoutes({ routes, services }: Pick<RouteTable, 'routes' | 'services'>): readonly string[] {
  const asked = Object.values(services).flatMap(({ route, answersQuestions }) => (answersQuestions ? [route] : []));
  return routes.filter((route) => asked.includes(route));
}
