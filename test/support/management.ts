import { connectManagement, type Management } from '#shared/bus/topology/management.ts';
import { patiently } from '#shared/bus/topology/patiently.ts';

/** The broker's management API for a test: a broker that many tests keep busy answers late, or fails for what is deleted at that moment. */
export function patientManagement(url: string): Management {
  const api = connectManagement(url);
  return {
    user: api.user,
    get: <Body>(path: string) => patiently(() => api.get<Body>(path)),
    put: (path, body) => patiently(() => api.put(path, body)),
    post: (path, body) => patiently(() => api.post(path, body)),
    remove: (path) => patiently(() => api.remove(path)),
  };
}
