/** What runs at a service on one thread, all endpoints together: known without asking each of them. */
export class ServiceLoad {
  active = 0;
}
